"""Investor flow: net buying of each kind of investors, as the sources gave it."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext as _


class InstitutionalFlow(models.Model):
    """Net buying (bought - sold) in one instrument on one session, as one source gave it: quantities in raw shares (or
    units), values in the market's currency, negative where more was sold. NULL is missing, not 0. The fields
    besides the key are `panel.FLOW_FIELDS`.
    """

    market = models.CharField(max_length=12)
    stock_code = models.CharField(max_length=24)
    date = models.DateField()
    source = models.CharField(max_length=24)
    foreign_net_quantity = models.FloatField(null=True, help_text="Shares")
    foreign_net_value = models.FloatField(null=True, help_text="The market's currency")
    institution_net_quantity = models.FloatField(null=True, help_text="Shares")
    institution_net_value = models.FloatField(null=True, help_text="The market's currency")
    pension_net_quantity = models.FloatField(null=True, help_text="Shares")
    pension_net_value = models.FloatField(null=True, help_text="The market's currency")
    individual_net_quantity = models.FloatField(null=True, help_text="Shares")
    individual_net_value = models.FloatField(null=True, help_text="The market's currency")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stock_code", "market", "date", "source"], name="flow_key")]
        indexes = [
            models.Index(fields=["date", "source"], name="flow_date_source"),
            BrinIndex(fields=["created_at"], name="flow_created_at"),  # see `StockPrice`
        ]

    def __str__(self) -> str:
        return f"{self.market}:{self.stock_code} {self.date} {self.source}"


class FlowCorrection(models.Model):
    """The values a recorded flow had before its source replaced or completed it."""

    market = models.CharField(max_length=12)
    stock_code = models.CharField(max_length=24)
    date = models.DateField()
    source = models.CharField(max_length=24)
    old = models.JSONField(help_text="The fields that changed, with the values they had")
    replaced_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["market", "date", "stock_code"], name="flow_correction_date"),
            models.Index(fields=["replaced_at"], name="flow_correction_replaced_at"),
        ]

    def __str__(self) -> str:
        bar = f"{self.market}:{self.stock_code} {self.date}"
        return _("%(bar)s, corrected %(day)s") % {"bar": bar, "day": f"{self.replaced_at:%Y-%m-%d}"}
