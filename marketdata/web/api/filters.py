"""Filters of lists."""

from __future__ import annotations

from copy import copy
from functools import cache
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import QueryDict


class Filters(django_filters.FilterSet):  # type: ignore[misc]
    """A filter set that makes with each request what depends on it and nothing else: its form is made once for each
    class, and a filter is copied as it is, not with all that it refers to."""

    def __init__(self, data: Any = None, queryset: QuerySet[Any] | None = None, *, request: Any = None) -> None:
        # Instead of the library's own, which copies every filter to the ground.
        self.is_bound = data is not None
        self.data = data or QueryDict()
        self.queryset = self._meta.model._default_manager.all() if queryset is None else queryset
        self.request = request
        self.form_prefix = None
        self.filters = {name: self._mine(one) for name, one in self.base_filters.items()}

    def _mine(self, shared: Any) -> Any:
        one = copy(shared)
        one.model, one.parent = self.queryset.model, self
        if one.method is not None:
            one.method = shared.method  # binds it to this copy
        return one

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that pass; what refers back to this set and to its form is let go of (see `views.View`)."""
        try:
            found: QuerySet[Any] = super().filter_queryset(queryset)
        finally:
            for one in self.filters.values():
                one.parent = None
            self.form._bound_fields_cache.clear()
        return found

    def get_form_class(self) -> Any:
        return _form(type(self))  # type: ignore[arg-type]


@cache
def _form(kind: type[Filters]) -> Any:
    fields = {name: one.field for name, one in kind.base_filters.items()}
    return type(f"{kind.__name__}Form", (kind._meta.form,), fields)
