"""The reader's mark on a page: its form, which works without scripts, and the address that saves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from marketdata.queries import instruments
from marketdata.queries.market_calendar import get_sessions, has_session
from scans.models import Mark, Tag
from scans.models.marks import NOTE_LENGTH
from scans.operations import marks
from scans.pages.base import MarketPage


@dataclass(frozen=True, slots=True)
class MarkForm:
    """The form of the reader's mark of an instrument on the session `day` (None: of the instrument as such). `onward`:
    the address of the next pick, "" without one; `earlier`: the reader's other tags and notes of the instrument."""

    code: str
    day: date | None
    mark: Mark
    onward: str
    earlier: Sequence[Mark]

    @property
    def tags(self) -> list[tuple[int, str, bool]]:
        """Key, tag and whether it is the present one."""
        return [(key, str(tag), tag == self.mark.tag) for key, tag in enumerate(Tag, 1)]

    @property
    def note_length(self) -> int:
        return NOTE_LENGTH


def mark_form(code: str, day: date | None, own: Sequence[Mark], onward: str = "") -> MarkForm:
    """The form; `own`: the reader's marks of the instrument (`queries.market_status.work_and_marks`)."""
    mark = next((row for row in own if row.date == day), None)
    earlier = [row for row in own if row is not mark and (row.tag or row.note)]
    return MarkForm(code, day, mark or Mark(code=code, date=day), onward, earlier)


def mark_values(own: Sequence[Mark]) -> list[tuple[Any, ...]]:
    """What pages show of marks, to compare them by."""
    return [(mark.code, mark.date, mark.tag, mark.note, mark.seen_at) for mark in own]


class MarkChanges(forms.Form):
    """The fields that a mark's form sends; those that it leaves out stay."""

    date = forms.DateField(required=False)
    tag = forms.ChoiceField(choices=[("", ""), *Tag.choices], required=False)
    note = forms.CharField(required=False)

    def clean_note(self) -> str:
        note = marks.compose_note(self.cleaned_data["note"])
        if len(note) > NOTE_LENGTH:
            raise forms.ValidationError(_("A note has at most %(most)d characters.") % {"most": NOTE_LENGTH})
        return note

    def changes(self) -> dict[str, Any]:
        """The fields to set: a mark that is written has been seen."""
        return {name: self.cleaned_data[name] for name in ("tag", "note") if name in self.data} | {"seen": True}


class SaveMark(LoginRequiredMixin, MarketPage):
    """`POST /{market}/marks/{code}`: saves the reader's mark and goes to `onward` or `next`, a page of this site."""

    http_method_names = ("post",)
    template_name = "pages/refused.html"

    def post(self, request: HttpRequest, market: str, code: str) -> HttpResponseBase:
        instrument = instruments.get_instrument(self.market.name, code)
        if instrument is None:
            raise Http404(f"Market {self.market.name} has no instrument {code!r}.")
        form = MarkChanges(request.POST)
        if not form.is_valid():
            return self.refuse(" ".join(str(text) for errors in form.errors.values() for text in errors))
        day = form.cleaned_data["date"]
        if day is not None and not has_session(get_sessions(self.market.name), day):
            return self.refuse(_("%(day)s is no session of this market.") % {"day": day})
        try:
            marks.save_mark(
                user=request.user,
                market=self.market.name,
                code=instrument.code,
                day=day,
                changes=form.changes(),
                as_of=timezone.now(),
            )
        except marks.TooManyMarks:
            return self.refuse(_("You have as many marks as there can be: delete some in the settings."))
        target = request.POST.get("onward", request.POST.get("next", ""))
        if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
            target = reverse("pages:stock", args=[self.market.name, instrument.code])
        return redirect(target)

    def refuse(self, sentence: str) -> HttpResponse:
        """The page that says why nothing was saved (400)."""
        return self.render_to_response(self.get_context_data(sentence=sentence), status=400)
