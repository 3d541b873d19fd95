"""External index series, and the choice of one for a market's regimes."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models

from marketdata.markets import OWN_CAP, OWN_EQUAL, OWN_NAMES, UnknownMarket, get_market
from marketdata.nearest_name import did_you_mean
from marketdata.number_format import format_number


class IndexBar(models.Model):
    """One session of an external index, such as KS11."""

    market = models.CharField(max_length=12)
    name = models.CharField(max_length=24)
    date = models.DateField()
    open = models.FloatField()
    high = models.FloatField()
    low = models.FloatField()
    close = models.FloatField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["market", "name", "date"], name="index_bar_key")]
        ordering = ["market", "name", "-date"]

    def __str__(self) -> str:
        return f"{self.market} {self.name} {self.date} {format_number(self.close)}"


class IndexChoice(models.Model):
    """The series on which a market's regimes depend, where it is not own-equal. A second market such as kr-adj has the
    choice of kr unless it has one itself."""

    market = models.CharField(max_length=12, unique=True)
    name = models.CharField(max_length=24, blank=True, help_text="own-cap or a recorded series; blank: own-equal")

    def __str__(self) -> str:
        return f"{self.market}: {self.name or OWN_EQUAL}"

    def clean(self) -> None:
        try:
            family = get_market(self.market).family
        except UnknownMarket as error:
            raise ValidationError({"market": str(error)}) from error
        series = IndexBar.objects.filter(market__in=family).order_by("name")
        names = list(series.values_list("name", flat=True).distinct())
        if self.name not in (*OWN_NAMES, *names):
            raise ValidationError(
                {
                    "name": f"Market {self.market} has no index series {self.name!r} (its own: {OWN_EQUAL}, {OWN_CAP}; "
                    f"recorded: {', '.join(names) or 'none'}): import it with `manage.py import_index` first."
                    f"{did_you_mean(self.name, names)}"
                }
            )
