"""Settings of Django REST framework and of the OpenAPI schema."""

from __future__ import annotations

from seismo_site.openapi.summaries import INTRODUCTION


def rest_framework_settings(*, proxies: int) -> dict[str, object]:
    """REST_FRAMEWORK; `proxies` is how many stand in front and write X-Forwarded-For."""
    return {
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["marketdata.web.api.parsers.JsonParser"],
        "DEFAULT_AUTHENTICATION_CLASSES": [
            "seismo_site.tokens.TokenAuthentication",
            "rest_framework.authentication.SessionAuthentication",
        ],
        "DEFAULT_PERMISSION_CLASSES": ["marketdata.web.api.access.ReadPermission"],
        "DEFAULT_THROTTLE_CLASSES": [
            "marketdata.web.api.access.UserThrottle",
            "marketdata.web.api.access.AddressThrottle",
        ],
        "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
        "DEFAULT_SCHEMA_CLASS": "marketdata.web.api.schema.SeismoSchema",
        "EXCEPTION_HANDLER": "scans.api.problems.handle_exception",
        "NUM_PROXIES": proxies,
        "URL_FORMAT_OVERRIDE": None,
    }


SCHEMA = {
    "TITLE": "Seismo",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "DESCRIPTION": INTRODUCTION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["marketdata.web.api.access.ReadPermission"],
    "SCHEMA_PATH_PREFIX": "/api",
    # The pages of the documentation come from here, like everything else.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "marketdata.web.api.schema.add_downloads",
        "marketdata.web.api.schema.add_examples",
        "seismo_site.openapi.hooks.add_texts",
    ],
    "ENUM_NAME_OVERRIDES": {
        "RunStatus": "scans.models.Status",
        "RequestStatus": "scans.models.RequestStatus",
        "SignalStatus": "scans.models.SignalStatus",
        "SweepStatus": "scans.models.SweepStatus",
        "PositionEnd": "scans.operations.evaluation.portfolio.ENDINGS",
        "SignalEnd": "scans.api.serializers.evening.ENDS",
        "RegimeKind": "scans.api.serializers.regimes.KINDS",
        "State": "seismo_site.health.bodies.STATES",
        "MarketState": "scans.api.views.readiness.STATES",
        "VersionState": "scans.api.views.readiness.VERSION_STATES",
    },
}
