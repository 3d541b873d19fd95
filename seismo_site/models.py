"""Tokens by which programs identify themselves to the API, and the link by which the first user is created."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models

PREFIX = "seismo_"
USE_PRECISION = timedelta(hours=1)


class ApiToken(models.Model):
    """A token of a user: only a hash of it is kept, so it is shown once, when it is made. Deleting the row, or giving
    it a day of revocation, ends it at once; so does `expires_at`. `last_used_at` is right to `USE_PRECISION`."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80, help_text="What it is for")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="When it ends by itself; empty: never")
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.user})"

    def new_secret(self) -> str:
        """A new secret for this token (256 random bits, so that a plain hash keeps it); the row is not saved."""
        secret = PREFIX + secrets.token_urlsafe(32)
        self.digest = secret_digest(secret)
        return secret

    def is_valid(self, at: datetime) -> bool:
        """Whether it authenticates at that time: neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > at)

    def mark_used(self, at: datetime) -> None:
        """Record the use in `last_used_at`, at most once in `USE_PRECISION`: a read should not be a write each time."""
        if self.last_used_at is None or self.last_used_at < at - USE_PRECISION:
            rows = ApiToken.objects.filter(pk=self.pk)
            rows.exclude(last_used_at__gte=at - USE_PRECISION).update(last_used_at=at)


class SetupLink(models.Model):
    """The link for the first user of an installation, which is deleted by its use; only a hash of it is kept."""

    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()


def secret_digest(secret: str) -> str:
    """The digest of a secret that is kept (SHA-256, hex)."""
    return hashlib.sha256(secret.encode()).hexdigest()
