"""Pages whose content is kept until the data that it depends on changes, in a frame that is kept for each reader."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
from marketdata.pages.frame import FramedPage

TAG = re.compile(r"<!--tag ([^ >]+)-->")
"""The place of the reader's tag of an instrument in the content of a page."""
PART = re.compile(r"<!--part (\w+)-->")
"""The place of a part of the page in its frame."""
FRAMES: Memo[str] = Memo(256)
"""The key of a reader's frame -> the page with places for its parts."""
PARTS = ("html", "status_html", "csrf_token")
"""The parts of a page that its frame has places for."""
OF_ALL = frozenset((*PARTS, "view", "content", "market_names"))
"""The names in the context of a frame that its key leaves out."""


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


class KeptContentPage(FramedPage):
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
        tags = self.tags(content)
        html = mark_safe(TAG.sub(lambda match: tags.get(match[1], ""), content.html))  # noqa: S308 - a template's
        return {"status_html": ""} | context | {"content": content, "html": html}

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """The page; its frame is rendered once for each reader, address and state of the market."""
        request, content = self.request, context["content"]
        if len(get_messages(request)):
            return super().render_to_response(context, **kwargs)
        user = request.user
        key = (
            request.get_full_path(),
            {name: request.COOKIES.get(name) for name in ("seismo_theme", "seismo_density")},
            (user.pk, user.get_username(), user.is_staff),
            (content.title, content.day, content.previous, content.next, content.frame),
            {name: value for name, value in context.items() if name not in OF_ALL},
        )
        places = {name: mark_safe(f"<!--part {name}-->") for name in PARTS}  # noqa: S308 - a constant
        frame = FRAMES.get(
            repr(key), None, lambda: render_to_string(self.template_name, {**context, **places}, request)
        )
        parts = {**context, "csrf_token": get_token(request)}
        return HttpResponse(PART.sub(lambda match: str(parts[match[1]]), frame))

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
            return HttpResponse(kept_content(self).html)
        return super().get(request, *args, **kwargs)

    @property
    def is_part(self) -> bool:
        return "part" in self.request.GET

    def prepare_frame(self) -> None:
        if not self.is_part:
            super().prepare_frame()

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        context["html"] = format_html('<section class="block wide">{}</section>', context["html"])
        return super().render_to_response(context, **kwargs)


def _identity(page: KeptContentPage) -> Sequence[Any]:
    query = [page.request.GET.get(name, "")[:100] for name in page.parameters]
    return (settings.VERSION, page.request.path, query, get_language(), page.variant, page.state)


@cached("page", what="html", by=_identity, holds=(Content,))
def kept_content(page: KeptContentPage) -> Content:
    """The content of a page, computed where it is not kept."""
    content = page.content()
    page.prepare_frame()
    return content
