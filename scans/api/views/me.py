"""The caller: who it is, its settings, and everything that is kept of it."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata.web.api import responses, views
from marketdata.web.api.access import OwnData
from marketdata.web.api.schema import error_responses
from scans.api.serializers.marks import DeletedBody, ExportBody, MeBody, MePatch
from scans.operations import marks as operations
from scans.queries import marks as queries

EXAMPLE = OpenApiExample(
    "Korean, dark, v2 and v3",
    value={"settings": {"language": "ko", "theme": "dark", "versions": ["v2", "v3"]}},
    request_only=True,
)


class OwnView(views.BaseView):
    """A view of the caller's own data."""

    pagination_class = None
    permission_classes = (OwnData,)

    def account(self, request: Request) -> dict[str, Any]:
        """The fields of the caller's account, its settings and its tokens."""
        user: Any = request.user
        return {
            "username": user.get_username(),
            "is_staff": user.is_staff,
            "permissions": sorted(user.get_all_permissions()),
            "settings": queries.reader_settings(user),
            "api_tokens": user.api_tokens.all(),
            "email": user.email,
            "date_joined": user.date_joined,
            "last_login": user.last_login,
        }


class Me(OwnView):
    serializer_class = MeBody

    @extend_schema(operation_id="me", tags=["me"], responses={200: MeBody, **error_responses(400)})
    def get(self, request: Request) -> HttpResponseBase:
        """Who you are, what you may do, your settings and tokens.

        A program sends a token, `Authorization: Bearer seismo_...`; the operator makes and revokes tokens in the admin
        (API tokens). A page of this site sends the session's cookie, and with each write the header X-CSRFToken with
        the value of the cookie csrftoken."""
        return _private_json(request, MeBody(self.account(request)).data)

    @extend_schema(
        operation_id="change_me",
        tags=["me"],
        request=MePatch,
        examples=[EXAMPLE],
        responses={200: MeBody, **error_responses(400, 413, 415)},
    )
    def patch(self, request: Request) -> Response:
        """Change your settings; what the body leaves out stays. They apply to every browser where you log in."""
        body = MePatch(data=request.data)
        body.is_valid(raise_exception=True)
        operations.save_settings(user=request.user, changes=body.validated_data.get("settings", {}))
        return Response(MeBody(self.account(request)).data)


class Export(OwnView):
    serializer_class = ExportBody

    @extend_schema(operation_id="export_me", tags=["me"], responses={200: ExportBody, **error_responses(400)})
    def get(self, request: Request) -> HttpResponseBase:
        """Everything that is kept of you, as a file: account, settings, all marks, and without their
        secrets your tokens and channels of messages."""
        user: Any = request.user
        own = {
            **self.account(request),
            "exported_at": timezone.now(),
            "marks": queries.all_marks(user),
            "message_channels": user.message_channels.all(),
        }
        response = _private_json(request, ExportBody(own).data)
        response["Content-Disposition"] = 'attachment; filename="seismo-export.json"'
        return response


class OwnRecords(OwnView):
    serializer_class = DeletedBody

    @extend_schema(
        operation_id="delete_my_data", tags=["me"], request=None, responses={200: DeletedBody, **error_responses(400)}
    )
    def delete(self, request: Request) -> Response:
        """Delete all your marks, settings and channels of messages. The account and its tokens stay: the operator
        deletes them."""
        return Response(operations.delete_own_data(request.user))


def _private_json(request: Request, body: Any) -> HttpResponseBase:
    """The body as JSON, or a 304."""
    return responses.json_response(request._request, responses.to_json(body), changed=None)
