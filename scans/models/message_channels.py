"""A reader's own channels of messages."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from scans.models.encrypted_text import EncryptedText


class ChannelKind(models.TextChoices):
    """E-mail to the address of the account, or a chat or push service at `MessageChannel.address`."""

    EMAIL = "email"
    SERVICE = "service"


class IntradayMessages(models.TextChoices):
    """Of which signals that reach target or stop while the session trades a channel has messages: of none, of those of
    stocks that the reader tagged as bought, of every one."""

    NONE = ""
    OWN = "own"
    ALL = "all"


class MessageChannel(models.Model):
    """A channel by which a reader gets the messages of evenings. Empty `markets` and `versions` mean all of them, a
    blank language the operator's. `address` is a secret: encrypted in the database, and on no page, answer or log."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="message_channels")
    name = models.CharField(max_length=40)
    kind = models.CharField(max_length=12, choices=ChannelKind.choices)
    address = EncryptedText(blank=True)
    markets = models.JSONField(default=list, blank=True)
    versions = models.JSONField(default=list, blank=True)
    language = models.CharField(max_length=8, blank=True)
    skips_empty = models.BooleanField(default=False)
    intraday = models.CharField(
        max_length=8,
        choices=IntradayMessages.choices,
        default="",
        blank=True,
        help_text="Messages of levels that prices reach while the session trades: none, own (stocks tagged buy), all",
    )
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    tested_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="message_channel_name")]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"
