"""The bodies of markets: facts, hours, order prices, and the versions that scan them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from marketdata.session_phases import Phase
from scans.api.fields import ZonedTime
from scans.queries.markets import MarketVersion


class PhaseBody(serializers.Serializer[Any]):
    """A phase of the session."""

    phase = serializers.ChoiceField(
        choices=[str(phase) for phase in Phase],
        help_text="pre_open: nothing yet; opening_auction and closing_auction: expected prices; pre_market, "
        "after_market: trading outside the session; off_hours: at the day's close; closed",
    )
    begins_at = ZonedTime(source="begins", help_text="With the offset of the market's zone")
    ends_at = ZonedTime(source="ends", help_text="Where the next phase begins")


class HoursBody(serializers.Serializer[Any]):
    """The hours of the market's present session, else of its latest one, in the market's own zone."""

    session = serializers.DateField(help_text="The session that has these hours")
    opens_at = ZonedTime(source="opening", help_text="With the offset of the market's zone")
    closes_at = ZonedTime(source="closing", help_text="With the offset of the market's zone")
    phases = PhaseBody(many=True, help_text="From one midnight to the next")


class TickBandBody(serializers.Serializer[Any]):
    """A band of prices with one tick."""

    price_from = serializers.FloatField(help_text="The lowest price of the band, which belongs to it")
    tick = serializers.FloatField(help_text="Every price of the band is a multiple of it")


class MarketVersionBody(serializers.Serializer[MarketVersion]):
    """A scanner version on the market, and the range of sessions that it has published."""

    scanner_version = serializers.CharField(source="version.slug")
    title = serializers.CharField(source="version.title", allow_blank=True)
    engine = serializers.CharField(source="version.engine")
    enabled = serializers.BooleanField(source="version.enabled")
    first = serializers.DateField(allow_null=True, help_text="The first published session; null: none")
    last = serializers.DateField(allow_null=True, help_text="The last published session; null: none")
    sessions = serializers.IntegerField(help_text="The number of published sessions")


class MarketBody(serializers.Serializer[Any]):
    """A market. Order prices are the plan's exact prices on its ticks: a target rounded down, a stop and an entry
    up."""

    market = serializers.CharField(source="facts.market.name")
    currency = serializers.CharField(source="facts.market.currency")
    timezone = serializers.CharField(source="facts.market.timezone", help_text="IANA name of the market's zone")
    calendar = serializers.CharField(
        source="facts.market.calendar", help_text="Name of its exchange_calendars calendar"
    )
    segments = serializers.ListField(
        source="facts.market.segments", child=serializers.CharField(), help_text="What a scan covers by itself"
    )
    first = serializers.DateField(source="facts.first", allow_null=True, help_text="First recorded bar; null: none")
    last = serializers.DateField(source="facts.last", allow_null=True, help_text="Last recorded bar; null: none")
    hours = HoursBody(source="facts")
    ticks = TickBandBody(
        source="facts.bands", many=True, help_text="Ascending, of the session of `hours`; empty: no table is known"
    )
    no_ticks = serializers.CharField(
        source="facts.missing_grid", allow_blank=True, help_text="Why there are no order prices; empty: there are"
    )
    scanner_version = serializers.CharField(
        source="active.slug", allow_null=True, default=None, help_text="The version where none is named; null: none"
    )
    engine = serializers.CharField(
        source="active.engine", allow_null=True, default=None, help_text="The engine of that version"
    )
    versions = MarketVersionBody(many=True, help_text="Enabled ones, and those with published sessions")
