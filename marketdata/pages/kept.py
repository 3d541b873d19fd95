"""Pages whose content is kept until the data that it depends on changes, in a frame that is kept for each reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from caching.cached import cached
from caching.memo import Memo
from marketdata.pages.frame import FramedPage, Page
from marketdata.web.compression import FilledResponse, TextWithPlaces

TAG = re.compile(r"<!--tag ([^ >]+)-->")
"""The place of the reader's tag of an instrument in the content of a page."""
PART = re.compile(r"<!--part (\w+)-->")
"""The place of a part of the page in its frame."""
FRAMES: Memo[str] = Memo(256)
"""The key of a reader's frame -> the page with places for its parts."""
PARTS = ("html", "status_html", "csrf_token")
"""The parts of a page that its frame has places for."""
NO_STATE = frozenset(("view", "market_names"))
"""The names in the context of a page that are the same each time, or no values."""
OF_ALL = NO_STATE | {*PARTS, "content", "tags"}
"""The names in the context of a frame that its key leaves out."""
PAGES: Memo[TextWithPlaces] = Memo(96)
"""The key of a reader's address -> the page with places for its token."""
NO_PLACE = "\0"
"""A place that no text has."""
TOKEN_PLACE = {"csrf_token": mark_safe("<!--part csrf_token-->")}
"""In a context: the place of the token, which differs in each answer."""


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a page, the same for every reader: its title and HTML. `day`: the session that it is of, with the
    ones before and after that have a page; `codes`: the instruments whose tags of the reader are filled in; `frame`:
    plain data for the page around it, such as its `script`."""

    title: str
    html: str
    day: date | None = None
    previous: date | None = None
    next: date | None = None
    codes: list[str] = field(default_factory=list)
    frame: dict[str, Any] = field(default_factory=dict)


class RenderedOncePage(Page):
    """A page that is rendered once for each reader and address, as long as its state stays equal."""

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """The page, whose forms get the reader's token each time."""
        if kwargs or len(get_messages(self.request)):
            return super().render_to_response(context, **kwargs)
        return kept_response(self.request, self.page_state(context), lambda: self.page_text(context))

    def page_state(self, context: Mapping[str, Any]) -> Any:
        """Changes with everything that the page shows besides the names of `reader_key`; compared by value, which
        models are not."""
        return {name: value for name, value in context.items() if name not in NO_STATE}

    def page_text(self, context: Mapping[str, Any]) -> str:
        """The page, with `TOKEN_PLACE` for the token."""
        return render_to_string(str(self.template_name), {**context, **TOKEN_PLACE}, self.request)


class KeptContentPage(FramedPage, RenderedOncePage):
    """A page whose content is kept. A subclass defines `content` and `state`; its template knows neither the request
    nor the reader. `parameters`: those of the query that the content depends on; `variant`: what of the reader's
    settings it depends on."""

    template_name = "pages/kept.html"
    parameters: ClassVar[Sequence[str]] = ()
    variant: Sequence[str] = ()

    @property
    def state(self) -> Sequence[Any]:
        """Changes with everything that the content shows."""
        raise NotImplementedError

    def content(self) -> Content:
        """The content, computed."""
        raise NotImplementedError

    def prepare_frame(self) -> None:
        """Computes what the frames of all readers need, while those that want the same content wait for it."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        content = kept_content(self)
        context = super().get_context_data(**kwargs)
        return {"status_html": ""} | context | {"content": content, "tags": self.tags(content)}

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        if len(get_messages(self.request)):
            context["html"] = self.filled(context)
        return super().render_to_response(context, **kwargs)

    def page_state(self, context: Mapping[str, Any]) -> Any:
        return super().page_state(context), self.own_state

    @property
    def own_state(self) -> Any:
        """Changes with what is filled in for the reader besides `tags`."""
        return None

    def filled(self, context: Mapping[str, Any]) -> SafeString:
        """The HTML of the content with what belongs to the reader."""
        tags: Mapping[str, SafeString] = context["tags"]
        return mark_safe(TAG.sub(lambda match: tags.get(match[1], ""), context["content"].html))  # noqa: S308 - a template's

    def page_text(self, context: Mapping[str, Any]) -> str:
        """The frame, which is rendered once for each reader and address, with its parts."""
        content = context["content"]
        key = (
            reader_key(self.request),
            (content.title, content.day, content.previous, content.next, content.frame),
            {name: value for name, value in context.items() if name not in OF_ALL},
        )
        places = {name: mark_safe(f"<!--part {name}-->") for name in PARTS}  # noqa: S308 - a constant
        frame = FRAMES.get(
            repr(key), None, lambda: render_to_string(self.template_name, {**context, **places}, self.request)
        )
        parts = {"html": self.filled({**context, **TOKEN_PLACE}), "status_html": context["status_html"]}
        return PART.sub(lambda match: str(parts.get(match[1], match[0])), frame)

    def tags(self, content: Content) -> Mapping[str, SafeString]:
        """The reader's tags by the names of their places in the content."""
        return {}

    def render(self, template: str, context: Mapping[str, Any]) -> str:
        """The HTML of a template of the content."""
        return render_to_string(template, {"market": self.market, **context})


class KeptPartPage(KeptContentPage):
    """A part that the page around it fetches with ?part=1, without a frame; by itself it is a page."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.is_part:
            html = kept_content(self).html
            part = PAGES.get((request.get_full_path(), get_language()), html, lambda: TextWithPlaces(html, NO_PLACE))
            return FilledResponse(part, "")
        return super().get(request, *args, **kwargs)

    @property
    def is_part(self) -> bool:
        return "part" in self.request.GET

    def prepare_frame(self) -> None:
        if not self.is_part:
            super().prepare_frame()

    def filled(self, context: Mapping[str, Any]) -> SafeString:
        return format_html('<section class="block wide">{}</section>', super().filled(context))


def reader_key(request: HttpRequest) -> Hashable:
    """The address with what frames show of the reader: the language, cookies of the look, name and rights."""
    looks = (request.COOKIES.get("seismo_theme"), request.COOKIES.get("seismo_density"))
    user = request.user
    return request.get_full_path(), get_language(), looks, (user.pk, user.get_username(), user.is_staff)


def kept_response(request: HttpRequest, state: Any, render: Callable[[], str]) -> HttpResponse:
    """The answer with the page that `render` returns, with `TOKEN_PLACE` in its forms; rendered once for each
    `reader_key` as long as `state` stays equal: everything else that the page shows, by value."""
    page = PAGES.get(reader_key(request), state, lambda: TextWithPlaces(render(), TOKEN_PLACE["csrf_token"]))
    return FilledResponse(page, get_token(request))


def _identity(page: KeptContentPage) -> Sequence[Any]:
    query = [page.request.GET.get(name, "")[:100] for name in page.parameters]
    return (settings.VERSION, page.request.path, query, get_language(), page.variant, page.state)


@cached("page", what="html", by=_identity, holds=(Content,))
def kept_content(page: KeptContentPage) -> Content:
    """The content of a page, computed where it is not kept."""
    content = page.content()
    page.prepare_frame()
    return content
