"""The plan of a pick as a body has it: exact, and its order prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from marketdata.web.api.serializers import PlannedSerializer
from scans.queries.order_prices import pick_order_prices, pick_tick


class Order(PlannedSerializer):
    """The plan's levels on the exchange's tick grid of the pick's session: target rounded down, stop and entry up.
    Null where the plan has no such level; the whole is null where the market has no tick table."""

    entry = serializers.FloatField(allow_null=True)
    target = serializers.FloatField(allow_null=True)
    stop = serializers.FloatField(allow_null=True)

    def to_representation(self, instance: Any) -> Any:
        return instance["order"] if isinstance(instance, Mapping) else pick_order_prices(instance)


class Tick(serializers.FloatField):
    """The tick at the pick's close."""

    def to_representation(self, value: Any) -> Any:
        return value["tick"] if isinstance(value, Mapping) else pick_tick(value)


class Plan(PlannedSerializer):
    """The version's plan: buy stop (null: at the open), target, stop, holding in sessions (0: none);
    and the prices at which orders for it can be placed."""

    entry = serializers.FloatField(allow_null=True)
    target = serializers.FloatField(allow_null=True)
    stop = serializers.FloatField(allow_null=True)
    holding_min = serializers.IntegerField()
    holding_max = serializers.IntegerField()
    order = Order(source="*", allow_null=True)
    tick = Tick(source="*", allow_null=True, help_text="The tick at the pick's close; null without a tick table")
