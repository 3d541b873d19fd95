"""Change lists without a count: the rows of a page are read, and one more to see whether another page follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import pgettext_lazy

from marketdata.normalization import nfc
from marketdata.web.templatetags import humane

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Admin = admin.ModelAdmin[Any]
else:
    Admin = admin.ModelAdmin

FURTHEST = 20_000
"""The last row that pages reach, since the database has to skip all rows before a page. Filters lead further."""


class UncountedList(ChangeList):
    """A change list with the rows of its page and whether more follow. An action applies to the ticked rows."""

    uncounted = True
    has_more: bool
    first_row: int
    last_row: int

    def get_results(self, request: HttpRequest) -> None:
        start = (self.page_num - 1) * self.list_per_page
        if not 0 <= start <= FURTHEST:
            raise IncorrectLookupParameters
        rows = list(self.queryset[start : start + self.list_per_page + 1])
        if start and not rows:
            raise IncorrectLookupParameters
        # A list in the place of a query: it is walked and measured, no more.
        self.result_list = rows[: self.list_per_page]
        self.has_more = len(rows) > self.list_per_page
        self.first_row, self.last_row = start + 1, start + len(self.result_list)
        self.result_count = len(self.result_list)
        if isinstance(self.model_admin, Listing):
            self.model_admin.complete(self.result_list)
        self.full_result_count = None
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = False
        self.multi_page = bool(start) or self.has_more
        self.paginator = Paginator(range(start + len(rows)), self.list_per_page)


class Listing(Admin):
    """A model in the admin whose list costs the same number of queries however many rows there are."""

    change_list_template = "admin/listing.html"
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    note: str | _StrPromise = ""
    """A sentence above the list."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def complete(self, rows: Sequence[Any]) -> None:
        """Load what the columns of a page need beside its rows, in a constant number of queries."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Composed as the record is: a term typed or pasted on macOS may be decomposed."""
        return super().get_search_results(request, queryset, nfc(search_term))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return UncountedList


class DetailPage(Admin):
    """A model in the admin whose page shows more than its fields."""

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """The variables of the template of a row's page."""
        raise NotImplementedError

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        context = {"subtitle": None, **self.page_context(request, row)} if row is not None else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})


def number_column(
    name: str, title: str | _StrPromise = "", *, places: int | None = None
) -> Callable[[Any], SafeString]:
    """A column with the number that a row has as `name`: thousands apart, to the right; with `places` rounded."""

    @admin.display(description=title or pgettext_lazy("column", name.replace("_", " ")), ordering=name)
    def show(row: Any) -> SafeString:
        value = getattr(row, name)
        if value is None:
            return format_html('<span class="fig">{}</span>', "-")
        text = humane.grouped(value) if places is None else f"{value:,.{places}f}"
        return format_html('<span class="fig">{}</span>', text)

    show.__name__ = name
    return show
