"""Sweeps, their looks, versions and variants. Fractions are percent."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from scans.models import Sweep, SweepLook, SweepVariant
from scans.operations.research.pedigree import Pedigree
from scans.operations.research.stored_excess import excess_by_date
from scans.operations.research.verdict import verdict


def percent(fraction: float | None) -> float | None:
    """A fraction as percent, to ten significant digits."""
    return None if fraction is None else float(f"{100 * fraction:.10g}")


class SweepRow(serializers.ModelSerializer[Sweep]):
    """A sweep in a list."""

    variants = serializers.IntegerField(source="tried", help_text="Judged so far")
    looks = serializers.IntegerField(
        source="looks_spent", help_text="Looks at its test period: only the first is a test"
    )
    verdict = serializers.SerializerMethodField(help_text="Empty before it is done")

    class Meta:
        model = Sweep
        fields = (
            *("slug", "engine", "revision", "status", "size", "variants", "sample", "seed", "halving", "rolling"),
            *("first", "choose_from", "test_from", "last", "horizon", "looks", "started_at", "finished_at", "verdict"),
        )

    def get_verdict(self, sweep: Sweep) -> str:
        return verdict(sweep)


class LookBody(serializers.ModelSerializer[SweepLook]):
    """A look at the test period."""

    class Meta:
        model = SweepLook
        fields = ("looked_at", "looks_before", "figures")


class PedigreeBody(serializers.Serializer[Pedigree]):
    """A version made from a variant: its excess over shares alike, promised outside and come after the sweep."""

    scanner_version = serializers.CharField(source="version.slug")
    variant = serializers.IntegerField(source="variant.number")
    promised_pct = serializers.SerializerMethodField(help_text="Outside, each date alike")
    after_pct = serializers.SerializerMethodField(
        help_text="After the sweep's last session, each date alike; null: none yet"
    )
    after_picks = serializers.SerializerMethodField(help_text="Judged picks after the sweep's last session")

    def get_promised_pct(self, row: Pedigree) -> float | None:
        return percent(excess_by_date(row.promise["matched"]))

    def get_after_pct(self, row: Pedigree) -> float | None:
        excess = row.after.figures.matched.by_date if row.after else None
        return None if excess is None or excess != excess else percent(excess)

    def get_after_picks(self, row: Pedigree) -> int:
        return row.after.figures.judged if row.after else 0


class SweepBody(SweepRow):
    """A sweep with what it tried and found. `result`: the tests against luck, the figures outside by sessions held, by
    regime and year, beside random picks, the capacity and the folds; fractions, as they were recorded."""

    chosen = serializers.SerializerMethodField(
        help_text="The number of the variant that is best before the test period"
    )
    looks_at_test = LookBody(source="looks", many=True)
    versions = serializers.SerializerMethodField(help_text="Made from its variants")

    class Meta(SweepRow.Meta):
        fields = (  # type: ignore[assignment]
            *SweepRow.Meta.fields,
            *("base", "grid", "costs", "data_digest", "evaluation_revision", "code_revision"),
            *("chosen", "result", "seconds", "looks_at_test", "versions"),
        )

    def get_chosen(self, sweep: Sweep) -> int | None:
        return sweep.chosen.number if sweep.chosen else None

    @extend_schema_field(PedigreeBody(many=True))
    def get_versions(self, sweep: Sweep) -> Any:
        return PedigreeBody(self.context["pedigrees"], many=True).data


class VariantBody(serializers.ModelSerializer[SweepVariant]):
    """A variant and its figures before the test period, over the sweep's horizon, after costs."""

    params = serializers.SerializerMethodField(help_text="As vol_mult=2.5, ext_max=0.02")
    chosen = serializers.SerializerMethodField(help_text="The best one before the test period")
    picks = serializers.SerializerMethodField()
    judged = serializers.SerializerMethodField(help_text="Picks with a return")
    mean_pct = serializers.SerializerMethodField()
    hit_rate_pct = serializers.SerializerMethodField(help_text="Returns above 0 after costs")
    worst_drawdown_pct = serializers.SerializerMethodField()
    turnover_pct = serializers.SerializerMethodField()
    over_equal_pct = serializers.SerializerMethodField(
        help_text="Excess over all that could be picked, each date alike"
    )
    over_cap_pct = serializers.SerializerMethodField(help_text="The same, weighted by market cap")
    over_matched_pct = serializers.SerializerMethodField(help_text="Excess over shares alike, each date alike")

    class Meta:
        model = SweepVariant
        fields = (
            *("number", "params", "chosen", "sessions", "sharpe", "picks", "judged", "mean_pct", "hit_rate_pct"),
            *("over_equal_pct", "over_cap_pct", "over_matched_pct", "worst_drawdown_pct", "turnover_pct"),
        )

    def _figures(self, variant: SweepVariant) -> Any:
        return variant.figures[str(variant.sweep.horizon)]

    def get_params(self, variant: SweepVariant) -> str:
        return ", ".join(f"{name}={value}" for name, value in variant.params.items())

    def get_chosen(self, variant: SweepVariant) -> bool:
        return variant.pk == variant.sweep.chosen_id

    def get_picks(self, variant: SweepVariant) -> int:
        return int(self._figures(variant)["picks"])

    def get_judged(self, variant: SweepVariant) -> int:
        return int(self._figures(variant)["judged"])

    def get_mean_pct(self, variant: SweepVariant) -> float | None:
        return percent(self._figures(variant)["mean"])

    def get_hit_rate_pct(self, variant: SweepVariant) -> float | None:
        return percent(self._figures(variant)["hit_rate"])

    def get_worst_drawdown_pct(self, variant: SweepVariant) -> float | None:
        return percent(self._figures(variant)["worst_drawdown"])

    def get_turnover_pct(self, variant: SweepVariant) -> float | None:
        return percent(self._figures(variant)["turnover"])

    def get_over_equal_pct(self, variant: SweepVariant) -> float | None:
        return percent(excess_by_date(self._figures(variant)["equal"]))

    def get_over_cap_pct(self, variant: SweepVariant) -> float | None:
        return percent(excess_by_date(self._figures(variant)["cap"]))

    def get_over_matched_pct(self, variant: SweepVariant) -> float | None:
        return percent(excess_by_date(self._figures(variant)["matched"]))
