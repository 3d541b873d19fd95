"""Scanner versions over the API."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from marketdata.api.views import RecordList, RecordView
from marketdata.web.api import responses
from marketdata.web.api.pagination import ListPagination
from marketdata.web.api.schema import NOT_MODIFIED, error_responses
from scans.api.parameters import SLUG
from scans.engines import engine_params
from scans.engines.registry import ENGINES
from scans.models import ScannerVersion
from scans.queries import versions


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
        fields = (
            "slug",
            "title",
            "engine",
            "revision",
            "enabled",
            "active_on",
            "segments",
            "limits",
            "updated_at",
        )

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


class VersionPagination(ListPagination):
    orders = {"slug": ("slug", "pk"), "-updated_at": ("-updated_at", "-pk")}


class Versions(RecordList):
    """Every scanner version, by name."""

    model = ScannerVersion
    serializer_class = Version
    pagination_class = VersionPagination
    depends = (versions.GENERATION,)

    def rows(self) -> QuerySet[ScannerVersion]:
        return versions.all_versions()

    def get_serializer_context(self) -> dict[str, Any]:
        context = super().get_serializer_context()
        is_schema = getattr(self, "swagger_fake_view", False)
        return {**context, "active_on": {} if is_schema else versions.active_markets()}

    @extend_schema(
        operation_id="versions",
        tags=["versions"],
        responses={200: Version(many=True), **NOT_MODIFIED, **error_responses(400)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().get(request, *args, **kwargs)


class OneVersion(RecordView):
    """A scanner version with the schema of its parameters and their values."""

    serializer_class = VersionDetail
    pagination_class = None
    depends = (versions.GENERATION,)

    @extend_schema(
        operation_id="version",
        tags=["versions"],
        parameters=[SLUG],
        responses={200: VersionDetail, **NOT_MODIFIED, **error_responses(400, 404)},
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        version = versions.get_versions("", [slug])[0]
        return self.json_response(version_body(version, versions.active_markets()))


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
    return [{**one, "value": values[one["name"]]} for one in engine_params.schema(kind)]
