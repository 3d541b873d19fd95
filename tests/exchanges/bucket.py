"""An imitation of S3 as far as files are written whole and read whole: one bucket in memory, as AWS' own library asks.

Small files are put at once or in parts (`uploads`, `partNumber`, `uploadId`); reads ask for the size first and for a
range then; what is not there is 404 with `NoSuchKey`, another key than `ACCESS` is 403.
"""

from __future__ import annotations

import re
import threading
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase, BytesIO
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

ACCESS = "AKIAIMITATION"
KEYS = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": "imitation", "AWS_EC2_METADATA_DISABLED": "true"}
"""The environment of a client that the imitation lets in."""
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


class Bucket:
    """`files` by their name, `requests` the methods with their paths; `fails` True: every answer is 503."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.requests: list[tuple[str, str]] = []
        self.fails = False
        bucket = self

        class Handler(Answering):
            own = bucket

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Answering(BaseHTTPRequestHandler):
    own: Bucket
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        text = urlsplit(self.path)
        name, query = unquote(text.path), parse_qs(text.query, keep_blank_values=True)
        body = self._body()
        self.own.requests.append((self.command, name))
        if self.own.fails:
            return self._say(503, _error("SlowDown"))
        if f"Credential={ACCESS}/" not in self.headers.get("Authorization", ""):
            return self._say(403, _error("InvalidAccessKeyId"))
        if self.command == "POST" and "uploads" in query:
            upload = f"upload-{len(self.own.parts)}"
            self.own.parts[upload] = {}
            return self._say(
                200,
                f"<InitiateMultipartUploadResult {NAMESPACE}><UploadId>{upload}</UploadId>"
                "</InitiateMultipartUploadResult>".encode(),
            )
        if self.command == "PUT" and "partNumber" in query:
            self.own.parts[query["uploadId"][0]][int(query["partNumber"][0])] = body
            return self._say(200, ETag='"part"')
        if self.command == "POST":
            parts = self.own.parts.pop(query["uploadId"][0])
            self.own.files[name] = b"".join(parts[number] for number in sorted(parts))
            return self._say(
                200,
                f'<CompleteMultipartUploadResult {NAMESPACE}><ETag>"whole"</ETag>'
                "</CompleteMultipartUploadResult>".encode(),
            )
        if self.command == "PUT":
            self.own.files[name] = body
            return self._say(200, ETag='"whole"')
        if self.command == "DELETE":
            self.own.files.pop(name, None)
            return self._say(204)
        return self._read(name)

    def _read(self, name: str) -> None:
        result = self.own.files.get(name)
        if result is None:
            return self._say(404, _error("NoSuchKey"))
        tag = f'"{md5(result).hexdigest()}"'  # noqa: S324 - as S3 makes it
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if span is None:
            return self._say(200, result, ETag=tag)
        low, high = int(span[1]), min(int(span[2]), len(result) - 1)
        there = f"bytes {low}-{high}/{len(result)}"
        return self._say(206, result[low : high + 1], ETag=tag, Content_Range=there)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve

    def _body(self) -> bytes:
        """What was sent; chunks of HTTP may lie around chunks of AWS' own."""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            raw = _joined(self.rfile)
        else:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        inside = "aws-chunked" in self.headers.get("Content-Encoding", "")
        return _joined(BytesIO(raw)) if inside else raw

    def _say(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for header, value in headers.items():
            self.send_header(header.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Nothing on standard error."""


def _joined(stream: BufferedIOBase) -> bytes:
    """The chunks of a stream, and past its trailer."""
    result = b""
    while size := int(stream.readline().partition(b";")[0], 16):
        result += stream.read(size)
        stream.readline()
    while stream.readline().strip():
        pass
    return result


def _error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
