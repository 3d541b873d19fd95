"""Scanner versions: reading, making and changing them, and the active one of a market. Writes are for staff with the
permission to add or to change scanner versions; every change is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata.api.schema import MARKET
from marketdata.api.views import MarketView, RecordList, RecordView
from marketdata.web.api.pagination import ListPagination
from marketdata.web.api.parsers import StrictBody
from marketdata.web.api.schema import IF_MATCH, NOT_MODIFIED, WRITE_ERRORS, error_responses, location_header
from marketdata.web.api.views import check_if_match
from scans.api.fields import Limits
from scans.api.parameters import SLUG
from scans.api.serializers.versions import Version, VersionDetail, version_body, version_tag
from scans.models import ScannerVersion
from scans.operations.versions import activate_version, change_version, create_version, get_version
from scans.queries.versions import GENERATION, active_markets, active_version, all_versions, get_versions

CHANGE = "scans.change_scannerversion"
LOCATION = location_header(201, "The new version's address, e.g. /api/versions/v2-tight")


class Editable(StrictBody):
    """The fields of a version that can be changed."""

    title = serializers.CharField(required=False, max_length=120, allow_blank=True)
    segments = serializers.ListField(
        child=serializers.CharField(max_length=20), required=False, max_length=20, help_text="Empty: the market's own"
    )
    limits = Limits(required=False, help_text="Segment -> how many of the largest by turnover")
    parameters = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        required=False,
        help_text="Name -> value, as `parameters` of the version tells them; null: the engine's default",
    )

    def settings(self) -> tuple[dict[str, Any], list[str]]:
        """The parameters to set, and the names of those to be as the engine has them."""
        values = self.validated_data.get("parameters", {})
        reset = [name for name, value in values.items() if value is None]
        return {name: value for name, value in values.items() if value is not None}, reset


class EditBody(Editable):
    """Only what is named changes."""

    enabled = serializers.BooleanField(required=False)

    def others(self) -> dict[str, Any]:
        """The fields of the version to set."""
        return {name: value for name, value in self.validated_data.items() if name != "parameters"}


class NewBody(Editable):
    """A new version of an engine."""

    slug = serializers.SlugField(max_length=40)
    engine = serializers.CharField(max_length=24, help_text="v2, formula, ...")


class ActiveBody(StrictBody):
    """The version that a market uses where none is named."""

    scanner_version = serializers.CharField(max_length=40)


class VersionPagination(ListPagination):
    orders = {"slug": ("slug", "pk"), "-updated_at": ("-updated_at", "-pk")}


class Versions(RecordList):
    """Every scanner version, by name; and making one."""

    model = ScannerVersion
    serializer_class = Version
    pagination_class = VersionPagination
    depends = (GENERATION,)
    permissions: ClassVar[Mapping[str, str]] = {"POST": "scans.add_scannerversion"}

    def rows(self) -> QuerySet[ScannerVersion]:
        return all_versions()

    def get_serializer_context(self) -> dict[str, Any]:
        context = super().get_serializer_context()
        is_schema = getattr(self, "swagger_fake_view", False)
        return {**context, "active_on": {} if is_schema else active_markets()}

    @extend_schema(
        operation_id="versions",
        tags=["versions"],
        responses={200: Version(many=True), **NOT_MODIFIED, **error_responses(400)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="make_version",
        tags=["versions"],
        parameters=[LOCATION],
        request=NewBody,
        responses={201: OpenApiResponse(VersionDetail, description="Made"), **error_responses(400, 409, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        """Make a version of an engine, with what differs from the engine's own parameters. It takes the permission
        to add scanner versions."""
        body = NewBody(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        settings, reset = body.settings()
        made = create_version(
            slug=values["slug"],
            engine=values["engine"],
            settings=settings,
            reset=reset,
            title=values.get("title", ""),
            segments=values.get("segments", []),
            limits=values.get("limits", {}),
            who=request.user.get_username(),
            at=timezone.now(),
        )
        headers = {"Location": f"/api/versions/{made.slug}", "ETag": version_tag(made, {})}
        return Response(version_body(made, {}), status=201, headers=headers)


class OneVersion(RecordView):
    """A scanner version with the schema of its parameters and their values."""

    serializer_class = VersionDetail
    pagination_class = None
    depends = (GENERATION,)
    permissions: ClassVar[Mapping[str, str]] = {"PATCH": CHANGE}

    @extend_schema(
        operation_id="version",
        tags=["versions"],
        parameters=[SLUG],
        responses={200: VersionDetail, **NOT_MODIFIED, **error_responses(400, 404)},
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        version = get_versions("", [slug])[0]
        return self.json_response(version_body(version, active_markets()))

    @extend_schema(
        operation_id="change_version",
        tags=["versions"],
        parameters=[SLUG, IF_MATCH],
        request=EditBody,
        responses={200: VersionDetail, **error_responses(*WRITE_ERRORS, 412)},
    )
    def patch(self, request: Request, slug: str) -> Response:
        """Change a version: each parameter is checked by the engine's own schema, and who changed what is kept. What
        was published stays as it was. It takes the permission to change scanner versions."""
        body = EditBody(data=request.data)
        body.is_valid(raise_exception=True)
        settings, reset = body.settings()
        active = active_markets()

        def guard(standing: ScannerVersion) -> None:
            check_if_match(request, version_tag(standing, active))

        changed = change_version(
            get_version(slug),
            settings=settings,
            reset=reset,
            others=body.others(),
            who=request.user.get_username(),
            at=timezone.now(),
            guard=guard,
        )
        return Response(version_body(changed, active), headers={"ETag": version_tag(changed, active)})


class Active(MarketView):
    """The version that a market uses where none is named."""

    serializer_class = ActiveBody
    pagination_class = None
    permissions: ClassVar[Mapping[str, str]] = {"PUT": CHANGE}

    @extend_schema(
        operation_id="active_version",
        tags=["versions"],
        parameters=[MARKET],
        responses={200: ActiveBody, **error_responses(400, 404)},
    )
    def get(self, request: Request, market: str) -> Response:
        return Response({"scanner_version": active_version(self.market.name).slug})

    @extend_schema(
        operation_id="make_active",
        tags=["versions"],
        parameters=[MARKET],
        request=ActiveBody,
        responses={200: ActiveBody, **error_responses(*WRITE_ERRORS)},
    )
    def put(self, request: Request, market: str) -> Response:
        """Make a version the one that the market uses where none is named. It takes the permission to change
        scanner versions."""
        body = ActiveBody(data=request.data)
        body.is_valid(raise_exception=True)
        chosen = get_version(body.validated_data["scanner_version"])
        who = request.user.get_username()
        activate_version(self.market.name, chosen, who=who, at=timezone.now())
        return Response({"scanner_version": chosen.slug})
