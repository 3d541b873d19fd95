"""Filters of lists."""

from __future__ import annotations

from functools import cache
from typing import Any

import django_filters


class Filters(django_filters.FilterSet):  # type: ignore[misc]
    """A filter set whose form is made once for each class and not with each request: none of its fields depends on
    one."""

    def get_form_class(self) -> Any:
        return _form(type(self))  # type: ignore[arg-type]


@cache
def _form(kind: type[Filters]) -> Any:
    fields = {name: one.field for name, one in kind.base_filters.items()}
    return type(f"{kind.__name__}Form", (kind._meta.form,), fields)
