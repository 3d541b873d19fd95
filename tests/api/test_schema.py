"""The schema is checked in, names every endpoint, and every answer of the API fits it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client, RequestFactory
from django.urls import URLPattern

import marketdata.api.urls
import marketdata.candles.api.urls
import scans.api.urls
import seismo_site.health.urls
import seismo_site.system.urls
from marketdata.web.api.views import BaseView
from tests.api.conftest import Get
from tests.api.openapi import FILE, SCHEMA

ADDRESSES: tuple[URLPattern, ...] = (
    *seismo_site.health.urls.urlpatterns,
    *seismo_site.system.urls.urlpatterns,
    *scans.api.urls.urlpatterns,
    *marketdata.api.urls.urlpatterns,
    *marketdata.candles.api.urls.urlpatterns,
)


def test_the_schema_that_is_checked_in_is_the_schema(tmp_path: Path) -> None:
    """Otherwise: manage.py spectacular --file docs/openapi.yaml"""
    made = tmp_path / "openapi.yaml"
    call_command("spectacular", file=str(made), validate=True, fail_on_warn=True)
    assert made.read_text(encoding="utf-8") == FILE.read_text(encoding="utf-8")


def test_every_address_is_in_it() -> None:
    there = {"/api/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(one.pattern)) for one in ADDRESSES}
    assert SCHEMA["paths"].keys() == there


def test_every_parameter_has_an_example() -> None:
    """An example is what stands after "e.g." in the description, or is given with the parameter."""
    from jsonschema import Draft202012Validator

    for path, methods in SCHEMA["paths"].items():
        for method, operation in methods.items():
            for one in operation.get("parameters", []):
                where = f"{method} {path}: {one['name']}"
                assert one.get("description") or one["schema"].get("enum"), where
                shown = [value["value"] for value in one.get("examples", {}).values()]
                shown += [one["example"]] if "example" in one else []
                assert shown, f"{where} has no example"
                for value in shown:
                    Draft202012Validator(one["schema"]).validate(value)


def test_schema_has_exactly_the_accepted_parameters() -> None:
    for one in ADDRESSES:
        path = "/api/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(one.pattern))
        view = one.callback.view_class(request=RequestFactory().get(path))  # type: ignore[attr-defined]
        if "get" not in SCHEMA["paths"][path] or not isinstance(view, BaseView):
            continue
        result = SCHEMA["paths"][path]["get"].get("parameters", [])
        queried = {parameter["name"] for parameter in result if parameter["in"] == "query"}
        assert queried == set(view.parameter_names()), path


def test_every_list_has_one_envelope() -> None:
    """What has a `next` has `previous` and `results`, and every answer that can be paged has them."""
    components = SCHEMA["components"]["schemas"]
    members = [set(body.get("properties", {})) for body in components.values()]
    assert [names for names in members if "next" in names and not {"previous", "results"} <= names] == []
    for path, methods in SCHEMA["paths"].items():
        for method, operation in methods.items():
            if "cursor" in {one["name"] for one in operation.get("parameters", [])}:
                body = operation["responses"]["200"]["content"]["application/json"]["schema"]
                named = components[body["$ref"].rpartition("/")[2]]
                assert {"next", "previous", "results"} <= set(named["properties"]), f"{method} {path}"


def test_a_version_is_called_scanner_version_everywhere() -> None:
    names = {name for body in SCHEMA["components"]["schemas"].values() for name in body.get("properties", {})}
    for methods in SCHEMA["paths"].values():
        names |= {one["name"] for operation in methods.values() for one in operation.get("parameters", [])}
    assert "scanner_version" in names
    assert "version" not in names


def operations() -> list[dict[str, Any]]:
    return [operation for methods in SCHEMA["paths"].values() for operation in methods.values()]


def validate(schema: dict[str, Any], value: Any) -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator({**schema, "components": SCHEMA["components"]}).validate(value)


def test_every_operation_has_a_summary_and_a_description() -> None:
    """Otherwise: a line in seismo_site/openapi/summaries.py, and a docstring of the view."""
    for operation in operations():
        assert operation.get("summary"), operation["operationId"]
        assert operation.get("description"), operation["operationId"]
    assert {tag for one in operations() for tag in one["tags"]} == {tag["name"] for tag in SCHEMA["tags"]}


def test_every_field_has_a_description_and_an_example() -> None:
    """Otherwise: a help text, or lines in descriptions.py and examples.py of seismo_site/openapi. Choices and other
    components are their own examples."""
    for name, component in SCHEMA["components"]["schemas"].items():
        assert component.get("description"), name
        for field, schema in component.get("properties", {}).items():
            assert schema.get("description"), f"{name}.{field} has no description"
            is_map = "$ref" in str(schema.get("additionalProperties"))
            if not is_map and not schema.get("items", schema).keys() & {"$ref", "oneOf", "allOf", "enum"}:
                assert schema.get("examples"), f"{name}.{field} has no example"
            for value in schema.get("examples", []):
                validate(schema, value)


def test_every_body_has_an_example_that_fits() -> None:
    for operation in operations():
        bodies = {**operation["responses"], "request": operation.get("requestBody", {})}
        for where, body in bodies.items():
            content = body.get("content", {}).get("application/json")
            if not content:
                continue
            shown = [one["value"] for one in content.get("examples", {}).values()]
            shown += [content["example"]] if "example" in content else []
            assert shown, f"{operation['operationId']} {where} has no example"
            for value in shown:
                validate(content["schema"], value)


def test_tokens_and_csrf_are_explained() -> None:
    schemes = SCHEMA["components"]["securitySchemes"]
    for text in (SCHEMA["info"]["description"], schemes["cookieAuth"]["description"]):
        assert "X-CSRFToken" in text
    for text in (SCHEMA["info"]["description"], schemes["token"]["description"]):
        assert "Authorization: Bearer seismo_" in text


def test_the_documentation_asks_an_unknown_visitor_to_log_in(client: Client, db: None, settings: Any) -> None:
    page: Any = client.get("/api/docs")
    assert (page.status_code, page["Location"]) == (302, "/login?next=/api/docs")
    assert client.get("/api/schema").status_code == 401
    settings.ANONYMOUS_READS = True
    assert client.get("/api/docs").status_code == 200


def test_schema_and_documentation_are_served(client: Client, user: Any) -> None:
    client.force_login(user)
    assert client.get("/api/schema").status_code == 200
    page = client.get("/api/docs")
    assert page.status_code == 200
    assert not re.search(rb"(src|href)=\"(https?:)?//", page.content)


@pytest.mark.parametrize(
    "path",
    ["scans/latest", "scans", "scans/dates", "scans/changes", "scans/compare?versions=rises,rises-10",
     "scans/compare?versions=rises,rises-10&split=true",
     "readiness", "index", "sources",
     "stocks", "stocks/005930", "stocks/005930/overview", "stocks/005930/scans", "stocks/005930/flows",
     "stocks/005930/explain", "signals", "marks", "marks/005930",
     "evaluation?horizon=1,5&by=label", "analysis/005930"],
)  # fmt: skip
def test_answers_fit_it(scanned: Any, get: Get, user: User, path: str) -> None:
    from jsonschema import Draft202012Validator

    from scans.models import Mark
    from scans.operations import signals
    from tests.scans.conftest import AS_OF

    signals.update_signals(market="kr", versions=["rises"], as_of=AS_OF)
    Mark.objects.create(user=user, market="kr", code="005930", tag="buy", updated_at=AS_OF)
    address, _, query = path.partition("?")
    body = get(f"kr/{address}", **dict(re.findall(r"(\w+)=([^&]*)", query)))
    named = "/api/{market}/" + address.replace("005930", "{code}")
    content = SCHEMA["paths"][named]["get"]["responses"]["200"]["content"]
    wanted = content["application/json"]["schema"]
    Draft202012Validator({**wanted, "components": SCHEMA["components"]}).validate(body)


@pytest.mark.parametrize("path", ["me", "me/export"])
def test_answers_about_the_caller_fit_it(get: Get, path: str) -> None:
    from jsonschema import Draft202012Validator

    content = SCHEMA["paths"][f"/api/{path}"]["get"]["responses"]["200"]["content"]
    wanted = content["application/json"]["schema"]
    Draft202012Validator({**wanted, "components": SCHEMA["components"]}).validate(get(path))


def test_examples_of_bodies_fit_it() -> None:
    from jsonschema import Draft202012Validator

    bodies = [
        body["content"]["application/json"]
        for methods in SCHEMA["paths"].values()
        for operation in methods.values()
        if "content" in (body := operation.get("requestBody", {}))
    ]
    examples = [(body["schema"], example["value"]) for body in bodies for example in body.get("examples", {}).values()]
    assert examples
    for schema, value in examples:
        Draft202012Validator({**schema, "components": SCHEMA["components"]}).validate(value)
