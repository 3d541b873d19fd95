"""The bodies of marks and of what belongs to a user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from marketdata.nearest_name import did_you_mean
from marketdata.queries import instruments
from marketdata.web.api.parsers import ChoiceField, StrictBody
from marketdata.web.api.serializers import PlannedSerializer
from scans.models import Mark, MessageChannel, ReaderSettings, Tag
from scans.models.marks import NOTE_LENGTH
from scans.models.reader_settings import DENSITIES, LANGUAGES, MOST_NAMES, THEMES
from scans.operations.marks import compose_note
from scans.queries import versions

TAGS = "watch (관심), buy (매수), exclude (제외), question (?); empty: none"
OWN_DATE = "A session: the mark is of its picks; omitted or null: of the instrument as such"


class MarkBody(PlannedSerializer, serializers.ModelSerializer[Mark]):
    """Your mark of an instrument's picks of a session, or of the instrument as such (`date` null)."""

    tag = serializers.ChoiceField(choices=Tag.choices, allow_blank=True, help_text=TAGS)
    note = serializers.CharField(allow_blank=True, help_text="Plain text in Unicode NFC")
    seen_at = serializers.DateTimeField(allow_null=True, help_text="When you reviewed it; null: not yet")

    class Meta:
        model = Mark
        fields = ("code", "date", "tag", "note", "seen_at", "updated_at")


class MarketMarkBody(MarkBody):
    """A mark with its market."""

    class Meta(MarkBody.Meta):
        fields = ("market", *MarkBody.Meta.fields)  # type: ignore[assignment]


class Note(serializers.CharField):
    """A note: composed and trimmed before its length counts."""

    def to_internal_value(self, data: Any) -> str:
        return compose_note(super().to_internal_value(data))


class MarkParameters(serializers.Serializer[Any]):
    date = serializers.DateField(required=False, help_text=f"{OWN_DATE}, e.g. 2024-05-31")


class MarkChanges(StrictBody):
    """The parts of a mark that are set."""

    date = serializers.DateField(required=False, allow_null=True, help_text=OWN_DATE)
    tag = ChoiceField(choices=Tag.choices, required=False, allow_blank=True, help_text=TAGS)
    note = Note(required=False, allow_blank=True, max_length=NOTE_LENGTH)
    seen = serializers.BooleanField(
        required=False, help_text="true: reviewed, `seen_at` is the time of the first review; false: not yet"
    )


class SettingsChanges(StrictBody):
    """The settings to change."""

    language = ChoiceField(
        choices=LANGUAGES, required=False, allow_blank=True, help_text="Of the pages; empty: as the browser asks for"
    )
    theme = ChoiceField(choices=THEMES, required=False, allow_blank=True, help_text="Empty: as the device has it")
    density = ChoiceField(
        choices=DENSITIES, required=False, allow_blank=True, help_text="Height of rows; empty: the usual one"
    )
    versions = serializers.ListField(
        child=serializers.CharField(max_length=40),
        required=False,
        max_length=MOST_NAMES,
        help_text="The scanner versions that you read, in their order; empty: all of them",
    )
    markets = serializers.ListField(
        child=serializers.CharField(max_length=12),
        required=False,
        max_length=MOST_NAMES,
        help_text="The markets that you read; the first one is the start page. Empty: kr",
    )

    def validate_versions(self, names: list[str]) -> list[str]:
        return _existing(names, versions.version_slugs(), "scanner version")

    def validate_markets(self, names: list[str]) -> list[str]:
        return _existing(names, instruments.get_market_names(), "market")


class SettingsBody(serializers.ModelSerializer[ReaderSettings]):
    """Your settings."""

    language = serializers.ChoiceField(choices=LANGUAGES, allow_blank=True, help_text="Empty: as the browser asks for")
    theme = serializers.ChoiceField(choices=THEMES, allow_blank=True, help_text="Empty: as the device has it")
    density = serializers.ChoiceField(choices=DENSITIES, allow_blank=True, help_text="Empty: the usual height of rows")
    versions = serializers.ListField(child=serializers.CharField(), help_text="Empty: all of them")
    markets = serializers.ListField(child=serializers.CharField(), help_text="Empty: kr")

    class Meta:
        model = ReaderSettings
        fields = ("language", "theme", "density", "versions", "markets")


class TokenBody(serializers.Serializer[Any]):
    """An API token of yours, without its secret, which is shown once, when it is made."""

    name = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)


class MeBody(serializers.Serializer[Any]):
    """You: the user of the token or of the browser's session."""

    username = serializers.CharField()
    is_staff = serializers.BooleanField(help_text="Whether the admin is open to you")
    permissions = serializers.ListField(
        child=serializers.CharField(), help_text="Permissions for writes, such as scans.add_scanrequest"
    )
    settings = SettingsBody()
    tokens = TokenBody(many=True, source="api_tokens")


class ChannelBody(serializers.ModelSerializer[MessageChannel]):
    """A channel of yours for messages of evenings, without its address, which is a secret."""

    markets = serializers.ListField(child=serializers.CharField(), help_text="Empty: all of them")
    versions = serializers.ListField(child=serializers.CharField(), help_text="Empty: all of them")

    class Meta:
        model = MessageChannel
        fields = ("name", "kind", "markets", "versions", "language", "intraday", "skips_empty", "enabled", "tested_at")


class MePatch(StrictBody):
    """The reader's settings that may be changed."""

    settings = SettingsChanges(required=False)


class ExportBody(MeBody):
    """Everything that is kept of you."""

    exported_at = serializers.DateTimeField()
    email = serializers.CharField(allow_blank=True)
    date_joined = serializers.DateTimeField()
    last_login = serializers.DateTimeField(allow_null=True)
    marks = MarketMarkBody(many=True)
    message_channels = ChannelBody(many=True)


class DeletedBody(serializers.Serializer[Any]):
    """How many rows were deleted."""

    marks = serializers.IntegerField()
    settings = serializers.IntegerField()
    message_channels = serializers.IntegerField()


def _existing(names: Sequence[str], choices: Sequence[str], kind: str) -> list[str]:
    """The distinct names, each of which must be one of `choices`."""
    for name in names:
        if name not in choices:
            raise serializers.ValidationError(
                f"There is no {kind} {name!r}: choose among {', '.join(choices)}.{did_you_mean(name, choices)}"
            )
    return list(dict.fromkeys(names))
