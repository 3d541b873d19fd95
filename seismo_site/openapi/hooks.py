"""Postprocessing hook of the OpenAPI document: what its serializers and views do not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seismo_site.openapi.descriptions import DESCRIPTIONS
from seismo_site.openapi.examples import field_examples
from seismo_site.openapi.summaries import SESSION_COOKIE, SUMMARIES, TAGS, TOKEN

JSON = "application/json"
DEEPEST = 16
MISSING = object()
VERSION = "v2"
"""The name in the example of an object that has one member for each version."""
PAGE = "A page of a list."
NOTHING = "No choice."


def add_texts(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """The document with summaries, descriptions of all fields, an example for each field, and one for each body."""
    components = result["components"]["schemas"]
    examples = field_examples()
    for name, component in components.items():
        if "description" not in component:
            component["description"] = PAGE if name.startswith("Paginated") else NOTHING
        for field, schema in component.get("properties", {}).items():
            _describe(name, field, schema, examples)
    for operations in result["paths"].values():
        for operation in operations.values():
            operation.setdefault("summary", SUMMARIES.get(operation["operationId"]))
            for body in (operation.get("requestBody", {}), *operation["responses"].values()):
                content = body.get("content", {}).get(JSON, {})
                if content and not content.keys() & {"example", "examples"}:
                    content["example"] = make_example(content["schema"], components)
    used = {tag for operations in result["paths"].values() for one in operations.values() for tag in one["tags"]}
    result["tags"] = [{"name": tag, "description": text} for tag, text in TAGS.items() if tag in used]
    schemes = result["components"]["securitySchemes"]
    schemes["token"]["description"], schemes["cookieAuth"]["description"] = TOKEN, SESSION_COOKIE
    return result


def _describe(component: str, field: str, schema: dict[str, Any], examples: Mapping[str, Any]) -> None:
    key = f"{component}.{field}"
    text = DESCRIPTIONS.get(key) or schema.get("description") or DESCRIPTIONS.get(field)
    if text:
        schema["description"] = text
    example = examples.get(key, examples.get(field, MISSING))
    if example is not MISSING and _takes_example(schema):
        schema.setdefault("examples", [example])


def _takes_example(schema: Mapping[str, Any]) -> bool:
    """Whether the field is no object of another component and no choice, whose examples follow from them."""
    if "$ref" in str(schema.get("additionalProperties")):
        return False
    inner = schema.get("items", schema)
    return not inner.keys() & {"$ref", "oneOf", "allOf", "enum"}


def make_example(schema: Mapping[str, Any], components: Mapping[str, Any], depth: int = 0) -> Any:
    """An example of the schema, made of those of its fields."""
    if schema.get("examples"):
        return schema["examples"][0]
    if "$ref" in schema:
        return make_example(components[schema["$ref"].rpartition("/")[2]], components, depth + 1)
    for kind in ("oneOf", "allOf", "anyOf"):
        if kind in schema:
            return make_example(schema[kind][0], components, depth + 1)
    if "enum" in schema:
        return schema["enum"][0]
    if depth > DEEPEST:
        return None
    if schema.get("type") == "array":
        return [make_example(schema["items"], components, depth + 1)]
    if "$ref" in str(schema.get("additionalProperties")):
        return {VERSION: make_example(schema["additionalProperties"], components, depth + 1)}
    if "properties" in schema:
        return {name: make_example(field, components, depth + 1) for name, field in schema["properties"].items()}
    return None
