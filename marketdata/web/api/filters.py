"""Filters of lists."""

from __future__ import annotations

from copy import copy
from functools import cache
from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import QueryDict

from marketdata.nearest_name import did_you_mean


class ChoiceFormField(django_filters.fields.ChoiceField):  # type: ignore[misc]
    """A choice; the error of another value names the nearest one."""

    def validate(self, value: Any) -> None:
        try:
            super().validate(value)
        except ValidationError as error:
            names = [name for name, _ in self.choices if name]
            sentence = f"{error.messages[0]}{did_you_mean(value, names)}"
            raise ValidationError("%(sentence)s", code=error.code, params={"sentence": sentence}) from None


class ChoiceFilter(django_filters.ChoiceFilter):  # type: ignore[misc]
    """A filter by one of its choices."""

    field_class = ChoiceFormField


class Filters(django_filters.FilterSet):  # type: ignore[misc]
    """A filter set that is cheap to make for each request: its form class is made once, and filters are copied
    shallowly."""

    def __init__(self, data: Any = None, queryset: QuerySet[Any] | None = None, *, request: Any = None) -> None:
        # Instead of the library's own, which copies every filter deeply.
        self.is_bound = data is not None
        self.data = data or QueryDict()
        self.queryset = self._meta.model._default_manager.all() if queryset is None else queryset
        self.request = request
        self.form_prefix = None
        self.filters = {name: self._bound(shared) for name, shared in self.base_filters.items()}

    def _bound(self, shared: Any) -> Any:
        bound = copy(shared)
        bound.model, bound.parent = self.queryset.model, self
        if bound.method is not None:
            bound.method = shared.method  # binds it to this copy
        return bound

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that pass; the reference cycles of this set and its form are broken (see `views.BaseView`)."""
        try:
            rows: QuerySet[Any] = super().filter_queryset(queryset)
        finally:
            for bound in self.filters.values():
                bound.parent = None
            self.form._bound_fields_cache.clear()
        return rows

    def get_form_class(self) -> Any:
        return _form(type(self))  # type: ignore[arg-type]


@cache
def _form(kind: type[Filters]) -> Any:
    fields = {name: declared.field for name, declared in kind.base_filters.items()}
    return type(f"{kind.__name__}Form", (kind._meta.form,), fields)
