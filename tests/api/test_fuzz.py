"""Generated requests of the schema, good and bad, by staff and anonymous: no 5xx, no answer outside the schema."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.openapi import SCHEMA
from tests.people import scan_chief

if TYPE_CHECKING:
    from seismo_site.models import ApiToken

pytestmark = pytest.mark.slow

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = {"good": 3, "bad": 2, "existing": 4}
"""How many requests of each kind an operation gets."""

PATH_VALUES = {
    "market": "kr",
    "source": "upbit",
    "code": "005930",
    "slug": "rises",
    "date": "2024-04-15",
    "number": "1",
}
"""Path parameters that lead somewhere."""


@pytest.fixture
def one_connection() -> Iterator[None]:
    """The server's own way in, but for the end of a request, which would close the test's connection."""
    from django.core.signals import request_finished, request_started
    from django.db import close_old_connections

    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def secret(scanned: Any) -> str:
    """A token of staff."""

    from seismo_site.models import ApiToken

    token: ApiToken = ApiToken(user=scan_chief("fuzz"), name="fuzz")
    made = token.new_secret()
    token.save()
    return made


def failures(operation: Any, headers: dict[str, str]) -> list[str]:
    """What was wrong with the answers to requests of every kind."""
    from seismo_site.wsgi import application

    path_values = {one.name: PATH_VALUES[one.name] for one in operation.path_parameters if one.name in PATH_VALUES}
    kinds = {
        "good": operation.as_strategy(GenerationMode.POSITIVE),
        "bad": operation.as_strategy(GenerationMode.NEGATIVE),
        "existing": operation.as_strategy(GenerationMode.POSITIVE, path_parameters=path_values or None),
    }
    rows = []
    for kind, strategy in kinds.items():

        @hypothesis.settings(
            max_examples=EXAMPLES[kind],
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(case=strategy)
        def ask(case: Any) -> None:
            answer = case.call(app=application, headers=headers)
            # Rows of a request with `fields` lack the other members.
            checks = CHECKS[:-1] if "fields" in (case.query or {}) else CHECKS
            case.validate_response(answer, checks=checks, headers=headers)

        try:
            ask()
        except hypothesis.errors.Unsatisfiable:
            continue  # every request fits: there is nothing to get wrong
        except (
            Exception,
            FailureGroup,
        ) as error:  # all operations are tried before anything is said
            rows.append(f"{operation.label} ({kind}): {error}")
    return rows


@pytest.mark.parametrize("who", ["staff", pytest.param("anonymous", marks=pytest.mark.one_backend)])
def test_no_request_is_answered_with_what_the_schema_does_not_tell(
    who: str, secret: str, one_connection: None, settings: Any
) -> None:
    settings.ANONYMOUS_READS = True
    settings.USER_RATE = settings.ANONYMOUS_RATE = 1_000_000
    headers = {"Accept-Encoding": "identity"}  # the checks read no compressed body
    if who == "staff":
        headers["Authorization"] = f"Bearer {secret}"
    schema = schemathesis.openapi.from_dict(deepcopy(SCHEMA))
    wrong = []
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result.err()
        wrong += failures(result.ok(), headers)
    assert not wrong, "\n\n".join(wrong)
