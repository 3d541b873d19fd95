"""Pages of the admin and what they say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.test import Client
from django.urls import reverse


def lists() -> Iterator[tuple[str, str]]:
    """The list of every model in the admin: its name and address."""
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        yield name, reverse(f"admin:{name}_changelist")


def changes() -> Iterator[tuple[str, str]]:
    """A row's page of every model in the admin that has a row: its name and address."""
    for model in admin.site._registry:
        row = model._default_manager.order_by("pk").last()
        if row is not None:
            name = f"{model._meta.app_label}_{model._meta.model_name}"
            yield f"{name} change", reverse(f"admin:{name}_change", args=[row.pk])


def page(client: Client, address: str, **query: Any) -> str:
    """The text of a page that must be there."""
    answer = client.get(address, query)
    assert answer.status_code == 200, (address, answer.status_code)
    return str(answer.content.decode())


def sentences(response: Any) -> list[str]:
    """The sentences that the page after an action shows."""
    return [str(message) for message in response.context["messages"]]
