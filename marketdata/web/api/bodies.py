"""The body of an error."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class ProblemBody(serializers.Serializer[Any]):
    """The body of every error (application/problem+json)."""

    type = serializers.CharField(help_text="urn:seismo:problem:CODE")
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable: programs may rely on it")
    detail = serializers.CharField(help_text="One sentence: what is wrong and what to do")
    request_id = serializers.CharField()
    known = serializers.ListField(child=serializers.CharField(), required=False, help_text="The valid values")
    similar = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Codes of instruments like the one in the address"
    )
    nearest = serializers.DictField(
        child=serializers.DateField(allow_null=True), required=False, help_text="The nearest valid dates: before, after"
    )
    is_session = serializers.BooleanField(required=False)
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), required=False
    )
    positions = serializers.DictField(
        child=serializers.DictField(child=serializers.IntegerField()),
        required=False,
        help_text="Where in a text field the error is: line and column, from 1",
    )
