"""Text that the database keeps encrypted: the addresses of message channels.

A column has Fernet tokens (AES-128-CBC with HMAC-SHA256, `cryptography`). Each key is derived by HKDF-SHA256, with a
label of this purpose, from SEISMO_ENCRYPTION_KEYS, the first of which encrypts, and last from the secret key, so that a
first key of one's own can still read what was encrypted before. The library is imported with the first text.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

    TextField = models.TextField[str, str]
else:
    TextField = models.TextField

LABEL = b"seismo: addresses of message channels"
TOKEN_START = "gAAAA"  # noqa: S105 - the version and the zeros of the time, in base64
"""The start of each Fernet token; no address begins with it, since it would need :// for that."""


class UnreadableText(str):
    """The empty text in place of one that no present key decrypts. Saved again, the column stays as it is."""

    __slots__ = ("token",)
    token: str

    def __new__(cls, token: str) -> UnreadableText:
        text = super().__new__(cls)
        text.token = token
        return text


class EncryptedText(TextField):
    """A text field whose column, and whose value in fixtures, is encrypted. It cannot be searched. An empty text stays
    empty, so that queries see whether there is one."""

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return decrypt(value) if value else value

    def to_python(self, value: Any) -> Any:
        return decrypt(value) if isinstance(value, str) and not isinstance(value, UnreadableText) else value

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, UnreadableText):
            return value.token
        text = super().get_prep_value(value)
        return encrypt(text) if isinstance(text, str) and text else text

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.get_prep_value(self.value_from_object(obj)) or "")


def encrypt(text: str) -> str:
    """The token of a text, by the newest key."""
    return _cipher(_secrets()).encrypt(text.encode()).decode()


def decrypt(text: str) -> str:
    """The text of a token, `UnreadableText` where no key fits; any other text as it is."""
    if not text.startswith(TOKEN_START):
        return text
    from cryptography.fernet import InvalidToken

    try:
        return _cipher(_secrets()).decrypt(text.encode()).decode()
    except InvalidToken:
        return UnreadableText(text)


def _secrets() -> tuple[str, ...]:
    return (*settings.ENCRYPTION_KEYS, settings.SECRET_KEY)


@lru_cache(maxsize=4)
def _cipher(secrets: tuple[str, ...]) -> MultiFernet:
    """The cipher of the keys, newest first."""
    from cryptography.fernet import Fernet, MultiFernet
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    keys = (HKDF(SHA256(), 32, salt=None, info=LABEL).derive(secret.encode()) for secret in secrets)
    return MultiFernet([Fernet(urlsafe_b64encode(key)) for key in keys])
