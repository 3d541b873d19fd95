"""Imitations of Telegram's bot API, Slack's incoming webhooks, Discord's webhooks and KakaoTalk's messages to oneself:
their addresses, answers, limits and refusals, as their documentation has them (core.telegram.org/bots/api#sendmessage,
api.slack.com/messaging/webhooks, discord.com/developers/docs/resources/webhook,
developers.kakao.com/docs/en/kakaotalk-message/rest-api).

`connect` has Apprise find them here instead of at their own hosts.
"""

from __future__ import annotations

import html
import json
import re
import threading
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.exchanges.server import Exchange, Request, Response

BOT = "123456789:abcdefghij-klmnopqrstuvwxyzABCDEFGHI"
CHAT = 12315544
HOOK = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
WEBHOOK = "4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"
TELEGRAM, SLACK, DISCORD = f"tgram://{BOT}/{CHAT}", f"slack://{HOOK}", f"discord://{WEBHOOK}"
ADDRESSES = (TELEGRAM, SLACK, DISCORD)
KAKAO_CLIENT, KAKAO_TOKEN = "0123456789abcdef0123456789abcdef", "refresh-token-0"
KAKAO = f"kakaotalk://{KAKAO_CLIENT}/{KAKAO_TOKEN}"
TAG = re.compile(r"<(/?)([a-z-]+)[^<>]*>")
TELEGRAM_TAGS = {"b", "strong", "i", "em", "u", "s", "a", "code", "pre", "blockquote", "tg-spoiler", "span"}


class Chats(Exchange):
    """Telegram, Slack, Discord and KakaoTalk at one address; `texts` are the messages that each took, as a reader sees
    them."""

    def __init__(self, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.texts: dict[str, list[str]] = {"telegram": [], "slack": [], "discord": [], "kakaotalk": []}
        self.refused: set[str] = set()
        self.kakao_refresh, self.kakao_access = KAKAO_TOKEN, ""
        self.kakao_logins = 0
        self._lock = threading.Lock()

    def answer(self, request: Request, fault: str | None) -> Response:
        if request.path == "/oauth/token":
            return self._kakao_login(dict(parse_qsl(request.body.decode())))
        if request.path == "/v2/api/talk/memo/default/send":
            return self._kakao(request)
        body = json.loads(request.body)
        if request.path == f"/bot{BOT}/sendMessage":
            return self._telegram(body)
        if request.path == f"/services/{HOOK}":
            return self._slack(body)
        if request.path == f"/api/webhooks/{WEBHOOK}":
            return self._discord(body)
        return Response.json({"ok": False, "error_code": 404, "description": "Not Found"}, 404)

    def _take(self, service: str, text: str) -> bool:
        with self._lock:
            if service in self.refused:
                return False
            self.texts[service].append(text)
            return True

    def _telegram(self, body: dict[str, Any]) -> Response:
        text = _telegram_text(body["text"]) if body.get("parse_mode") == "HTML" else body["text"]
        problem = ""
        if body["chat_id"] != CHAT:
            problem = "Bad Request: chat not found"
        elif text is None:
            problem = "Bad Request: can't parse entities: Unsupported start tag"
        elif not text.strip():
            problem = "Bad Request: message text is empty"
        elif len(text) > 4096:
            problem = "Bad Request: message is too long"
        if problem or not self._take("telegram", text or ""):
            status = 400 if problem else 403
            description = problem or "Forbidden: bot was blocked by the user"
            return Response.json({"ok": False, "error_code": status, "description": description}, status)
        return Response.json({"ok": True, "result": {"message_id": len(self.texts["telegram"]), "text": text}})

    def _slack(self, body: dict[str, Any]) -> Response:
        parts = [body.get("text", "")]
        for attachment in body.get("attachments", ()):
            parts += [attachment.get("title", ""), attachment.get("text", "")]
        text = "\n".join(part for part in parts if part)
        if not text:
            return Response(400, b"no_text", kind="text/html")
        if re.search(r"&(?!amp;|lt;|gt;)", text) or len(text) > 40_000:
            return Response(400, b"invalid_payload", kind="text/html")
        if not self._take("slack", html.unescape(text)):
            return Response(403, b"action_prohibited", kind="text/html")
        return Response(200, b"ok", kind="text/html")

    def _kakao_login(self, form: dict[str, str]) -> Response:
        """A new access token and a new refresh token, which ends the one before."""
        if form.get("client_id") != KAKAO_CLIENT or form.get("refresh_token") != self.kakao_refresh:
            problem = {"error": "invalid_grant", "error_description": "expired_or_invalid_refresh_token"}
            return Response.json({**problem, "error_code": "KOE322"}, 400)
        self.kakao_logins += 1
        self.kakao_access = f"access-token-{self.kakao_logins}"
        self.kakao_refresh = f"refresh-token-{self.kakao_logins}"
        tokens = {"access_token": self.kakao_access, "expires_in": 21_599, "token_type": "bearer"}
        return Response.json({**tokens, "refresh_token": self.kakao_refresh, "refresh_token_expires_in": 5_184_000})

    def _kakao(self, request: Request) -> Response:
        if not self.kakao_access or request.headers.get("authorization") != f"Bearer {self.kakao_access}":
            return Response.json({"msg": "this access token does not exist", "code": -401}, 401)
        template = json.loads(dict(parse_qsl(request.body.decode()))["template_object"])
        if template["object_type"] != "text" or len(template["text"]) > 200 or "link" not in template:
            return Response.json({"msg": "failed to parse parameter", "code": -2}, 400)
        self._take("kakaotalk", template["text"])
        return Response.json({"result_code": 0})

    def _discord(self, body: dict[str, Any]) -> Response:
        content = body.get("content", "")
        if not content and not body.get("embeds"):
            return Response.json({"message": "Cannot send an empty message", "code": 50006}, 400)
        if len(content) > 2000:
            return Response.json({"content": ["Must be 2000 or fewer in length."]}, 400)
        if not self._take("discord", re.sub(r"\\([^A-Za-z0-9\s])", r"\1", content)):
            return Response.json({"message": "Unknown Webhook", "code": 10015}, 404)
        return Response.json({"id": "1", "content": content}) if body.get("wait") else Response(204)


def _telegram_text(text: str) -> str | None:
    """The text that a reader of Telegram sees; None where a tag is unknown or not closed, or a sign is not escaped."""
    opened: list[str] = []
    for closing, name in TAG.findall(text):
        if name not in TELEGRAM_TAGS or (closing and (not opened or opened.pop() != name)):
            return None
        if not closing:
            opened.append(name)
    rest = TAG.sub("", text)
    return None if opened or "<" in rest or ">" in rest else html.unescape(rest)


def connect(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Apprise find the services at `url`."""
    for plugin, name, path in _places():
        monkeypatch.setattr(plugin, name, url + path)


def connect_process(url: str) -> None:
    """The same in a process that ends with it."""
    for plugin, name, path in _places():
        setattr(plugin, name, url + path)


def _places() -> list[tuple[type, str, str]]:
    from apprise.plugins.discord import NotifyDiscord
    from apprise.plugins.kakaotalk import NotifyKakaoTalk
    from apprise.plugins.slack import NotifySlack
    from apprise.plugins.telegram import NotifyTelegram

    return [
        (NotifyTelegram, "notify_url", "/bot"),
        (NotifySlack, "webhook_url", "/services"),
        (NotifyDiscord, "notify_url", "/api/webhooks"),
        (NotifyKakaoTalk, "token_url", "/oauth/token"),
        (NotifyKakaoTalk, "notify_me_url", "/v2/api/talk/memo/default/send"),
    ]
