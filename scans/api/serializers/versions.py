"""Scanner versions over the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from marketdata.web.api import responses
from scans.engines import engine_params
from scans.engines.registry import ENGINES
from scans.models import ScannerVersion


class Version(serializers.ModelSerializer[ScannerVersion]):
    """A scanner version: an engine with parameters. `segments` empty: the market's own."""

    active_on = serializers.SerializerMethodField(help_text="The markets that use it where none is named")
    revision = serializers.SerializerMethodField(help_text="Of the engine")
    segments = serializers.ListField(child=serializers.CharField())
    limits = serializers.DictField(
        child=serializers.IntegerField(), help_text="Segment -> how many of the largest by turnover"
    )

    class Meta:
        model = ScannerVersion
        fields = ("slug", "title", "engine", "revision", "enabled", "active_on", "segments", "limits", "updated_at")

    def get_active_on(self, version: ScannerVersion) -> list[str]:
        markets: dict[int, list[str]] = self.context["active_on"]
        return markets.get(version.pk, [])

    def get_revision(self, version: ScannerVersion) -> int | None:
        return ENGINES[version.engine].revision if version.engine in ENGINES else None


class Parameter(serializers.Serializer[Any]):
    """A parameter with its value; `least` and `most` are inclusive, null where there is no bound."""

    name = serializers.CharField()
    type = serializers.ChoiceField(choices=["int", "float", "bool", "str"])
    value = serializers.JSONField()
    default = serializers.JSONField()
    least = serializers.FloatField(allow_null=True)
    most = serializers.FloatField(allow_null=True)
    unit = serializers.CharField(allow_blank=True)
    choices = serializers.ListField(child=serializers.CharField(), allow_null=True)
    help = serializers.CharField()


class VersionDetail(Version):
    """A version with every parameter of its engine."""

    parameters = Parameter(many=True, source="*")

    class Meta(Version.Meta):
        fields = (*Version.Meta.fields, "parameters")  # type: ignore[assignment]


def version_body(version: ScannerVersion, active: dict[int, list[str]]) -> dict[str, Any]:
    """The body of a version with its parameters; `active` as `queries.active_on` has it."""
    about = Version(version, context={"active_on": active}).data
    return {**about, "parameters": parameter_bodies(version)}


def version_tag(version: ScannerVersion, active: dict[int, list[str]]) -> str:
    """The entity tag under which a version is read."""
    return responses.entity_tag(responses.to_json(version_body(version, active)))


def parameter_bodies(version: ScannerVersion) -> list[dict[str, Any]]:
    """Every parameter of the version's engine with the version's value."""
    kind = ENGINES[version.engine].Params
    values = engine_params.dump(engine_params.read(kind, version.params))
    return [{**field, "value": values[field["name"]]} for field in engine_params.schema(kind)]
