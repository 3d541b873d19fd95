"""A reader's own message channels: what each gets, a preview, a test, the latest deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.generic import FormView, View

from marketdata.markets import MARKET_NAMES
from marketdata.queries.instruments import get_market_names
from scans.models import ChannelKind, IntradayMessages, MessageChannel
from scans.models.encrypted_text import UnreadableText
from scans.notices.apprise_service import AddressRefused, check_reader_address
from scans.notices.failure import UNREADABLE_ADDRESS
from scans.notices.message import render
from scans.operations import message_channels
from scans.pages.account import LANGUAGES
from scans.queries.message_channels import own_channels, own_deliveries
from scans.queries.versions import version_slugs
from scans.wording.message_channels import delivery_state, failure_sentence, refusal_sentence

if TYPE_CHECKING:
    ChannelModelForm = forms.ModelForm[MessageChannel]
    ChannelView = FormView["ChannelForm"]
else:
    ChannelModelForm, ChannelView = forms.ModelForm, FormView

MOST_CHANNELS = 10
"""Most channels of a reader."""
KINDS = {
    ChannelKind.SERVICE: gettext_lazy("Telegram, Slack, Discord, KakaoTalk, ntfy and others"),
    ChannelKind.EMAIL: gettext_lazy("E-mail to the account's address"),
}
INTRADAY = {
    IntradayMessages.NONE.value: gettext_lazy("No message"),
    IntradayMessages.OWN.value: gettext_lazy("Of stocks that I tagged Buy"),
    IntradayMessages.ALL.value: gettext_lazy("Of every open signal"),
}


class ChannelForm(ChannelModelForm):
    """A channel. Its address is written only: an empty field keeps the present one."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind"))
    address = forms.CharField(
        max_length=500,
        required=False,
        label=gettext_lazy("Address"),
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "placeholder": "tgram://token/chat"}),
    )
    markets = forms.MultipleChoiceField(
        required=False, label=gettext_lazy("Markets (none: all)"), widget=forms.CheckboxSelectMultiple
    )
    versions = forms.MultipleChoiceField(
        required=False, label=gettext_lazy("Versions (none: all)"), widget=forms.CheckboxSelectMultiple
    )
    language = forms.ChoiceField(choices=LANGUAGES[1:], label=gettext_lazy("Language"))
    intraday = forms.ChoiceField(
        required=False,
        choices=list(INTRADAY.items()),
        label=gettext_lazy("Target or stop reached while the session trades"),
    )

    class Meta:
        model = MessageChannel
        fields = ("name", "kind", "address", "markets", "versions", "language", "intraday", "skips_empty", "enabled")
        labels = {
            "name": gettext_lazy("Name"),
            "skips_empty": gettext_lazy("No message when nothing matched and nothing moved"),
            "enabled": gettext_lazy("On"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [ChannelKind.SERVICE]
        if settings.EMAIL_HOST and self.instance.user.email:
            kinds.append(ChannelKind.EMAIL)
        self._choose("kind", {kind.value: KINDS[kind] for kind in kinds})
        self._choose("markets", {name: MARKET_NAMES.get(name, name) for name in get_market_names()})
        self._choose("versions", {slug: slug for slug in version_slugs()})
        self.initial["address"] = ""
        self.initial["language"] = self.instance.language or get_language()

    def _choose(self, name: str, choices: dict[str, Any]) -> None:
        """Set the choices of a field; what the channel names already stays among them."""
        chosen = getattr(self.instance, name)
        known = choices | {one: one for one in (chosen if isinstance(chosen, list) else ()) if one not in choices}
        field: Any = self.fields[name]
        field.choices = list(known.items())

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = own_channels(self.instance.user).exclude(pk=self.instance.pk)
        if others.filter(name=name).exists():
            raise forms.ValidationError(_("You have a channel of this name."))
        if others.count() >= MOST_CHANNELS:
            most = {"count": MOST_CHANNELS}
            raise forms.ValidationError(_("You have %(count)s channels, the most there can be.") % most)
        return name

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        address = data.get("address") or self.instance.address
        if data.get("kind") == ChannelKind.EMAIL:
            address = ""
        elif isinstance(address, UnreadableText):
            self.add_error("address", failure_sentence(UNREADABLE_ADDRESS))
        elif not address:
            self.add_error("address", _("Write the address of the service."))
        elif data.get("address"):
            try:
                check_reader_address(address, hosts=settings.NOTIFY_HOSTS)
            except AddressRefused as refused:
                self.add_error("address", refusal_sentence(refused))
        return data | {"address": address}


class Messages(LoginRequiredMixin, ChannelView):
    """`/settings/messages` the channels, their deliveries and a form for another; `/settings/messages/{pk}` one channel
    with its preview."""

    template_name = "pages/messages.html"
    form_class = ChannelForm

    def get_form_kwargs(self) -> dict[str, Any]:
        instance = own_channel(self.request, self.kwargs["pk"]) if "pk" in self.kwargs else None
        return super().get_form_kwargs() | {"instance": instance or MessageChannel(user=self.request.user)}  # type: ignore[misc]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        channel, context["market_names"] = context["form"].instance, MARKET_NAMES
        context["channels"] = [(row, _place(row)) for row in own_channels(self.request.user)]
        context["deliveries"] = [(row, delivery_state(row)) for row in own_deliveries(self.request.user)]
        if channel.pk:
            message = message_channels.preview(own_channel(self.request, channel.pk))
            context |= {"channel": channel, "preview": render(message, with_subject=True)}
        return context

    def form_valid(self, form: ChannelForm) -> HttpResponse:
        channel = form.save(commit=False)
        message_channels.save_channel(channel, as_of=timezone.now())
        messages.success(self.request, _("Saved."))
        return redirect("pages:message_channel", pk=channel.pk)


class ChannelAction(LoginRequiredMixin, View):
    """A POST to one of the reader's channels."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.act(request, own_channel(request, pk))

    def act(self, request: HttpRequest, channel: MessageChannel) -> HttpResponse:
        raise NotImplementedError


class TestMessage(ChannelAction):
    """Send the preview through the channel."""

    def act(self, request: HttpRequest, channel: MessageChannel) -> HttpResponse:
        try:
            failure = message_channels.send_test(channel, as_of=timezone.now())
        except message_channels.TooSoon:
            messages.error(request, _("A test was sent a moment ago: wait a few seconds."))
        else:
            if failure:
                messages.error(request, failure_sentence(failure))
            else:
                messages.success(request, _("The test message was sent."))
        return redirect(reverse("pages:message_channel", args=[channel.pk]))


class DeleteChannel(ChannelAction):
    """Delete the channel and its deliveries."""

    def act(self, request: HttpRequest, channel: MessageChannel) -> HttpResponse:
        message_channels.delete_channel(channel, as_of=timezone.now())
        return redirect("pages:messages")


def own_channel(request: HttpRequest, pk: int) -> MessageChannel:
    """A channel of the reader; 404 where there is none of that number."""
    return get_object_or_404(own_channels(request.user), pk=pk)


def _place(channel: MessageChannel) -> str:
    """The address of a channel without the secret: the schema of its address, or the account's own address;
    a sentence where the address cannot be read."""
    if channel.kind == ChannelKind.EMAIL:
        return str(channel.user.email)
    if isinstance(channel.address, UnreadableText):
        return failure_sentence(UNREADABLE_ADDRESS)
    return f"{channel.address.split('://')[0]}://•••"
