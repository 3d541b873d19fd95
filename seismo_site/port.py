"""Whether a port is free: `python -m seismo_site.port 8000` ends with 1 and one sentence where it is not.

The web server's workers share their port (SO_REUSEPORT), and so would a second server of the same user, with another
data directory: each of them would get some of the requests.
"""

from __future__ import annotations

import errno
import socket
import sys

HOST = "127.0.0.1"


def port_problem(text: str) -> str:
    """Why no server can be started on the port; "" where one can."""
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 65_536):
        return f"PORT={text} is no port: name a number from 1 to 65535, such as PORT=8080."
    with socket.socket() as server:
        # What a server that ended a moment ago left behind is no obstacle; one that listens is.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((HOST, int(text)))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"Port {text} of {HOST} is in use by another server: end that one, or name another with PORT=."
            return f"Port {text} of {HOST} cannot be used: {error.strerror}."
    return ""


if __name__ == "__main__":
    sys.exit(port_problem(sys.argv[1]) or None)
