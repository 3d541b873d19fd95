"""Metrics of the installation, read for each scrape: sessions, scans, the task queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from caching.memory import get_memory_use
from marketdata.candles import queries as candles
from marketdata.operations import feature_flags
from marketdata.queries import instruments
from marketdata.queries.readiness import ReadinessState
from scans.models import Status
from scans.queries import readiness, run_statistics
from seismo_site.collection_metrics import collection_metrics
from seismo_site.task_metrics import task_metrics

VERSION = ("market", "scanner_version")


class InstallationCollector:
    """The state of the installation, read for each scrape."""

    def collect(self) -> Iterator[Any]:
        behind, last = instruments.get_record_ages()
        stale = GaugeMetricFamily(
            "seismo_lake_stale_months", "Months of the lake behind the record.", labels=["market"]
        )
        for market, months in behind.items():
            stale.add_metric([market], months)
        yield stale
        session = GaugeMetricFamily("seismo_last_session", "The last recorded session, as YYYYMMDD.", labels=["market"])
        for market, day in last.items():
            session.add_metric([market], int(day.replace("-", "")))
        yield session
        yield from _ages()
        yield from _scans()
        yield from _cache()
        yield from task_metrics()
        yield from _candles()
        yield from collection_metrics()
        yield from _features()


def _ages() -> Iterator[Any]:
    """Of every market with bars, except generated ones."""
    age = GaugeMetricFamily(
        "seismo_session_age",
        "Closed sessions since the last complete one of the record; 0: the record has the last closed session.",
        labels=["market"],
    )
    overdue = GaugeMetricFamily(
        "seismo_session_overdue",
        "1 where the last closed session should be recorded and scanned and is not, or is published from older data.",
        labels=["market"],
    )
    for market in readiness.recorded_markets_readiness(timezone.now()):
        if market.state is not ReadinessState.DEMO:
            age.add_metric([market.market], market.record.behind)
            overdue.add_metric([market.market], float(market.is_alarming))
    yield age
    yield overdue


def _scans() -> Iterator[Any]:
    """The runs of each version: all of them by status, the last one, and those of the latest sessions."""
    runs = CounterMetricFamily("seismo_scan_runs", "Runs by how they ended.", labels=(*VERSION, "status"))
    failures = CounterMetricFamily("seismo_scan_failures", "Runs that failed.", labels=VERSION)
    failed: Counter[tuple[str, str]] = Counter()
    for market, version, status, number in run_statistics.run_counts():
        runs.add_metric((market, version, status), number)
        failed[market, version] += number if status == Status.FAILED else 0
    for labels, number in failed.items():
        failures.add_metric(labels, number)
    yield runs
    yield failures
    last = {
        "seconds": GaugeMetricFamily("seismo_scan_duration_seconds", "Duration of the last run.", labels=VERSION),
        "cpu": GaugeMetricFamily("seismo_scan_cpu_seconds", "CPU time of the last run.", labels=VERSION),
        "memory": GaugeMetricFamily("seismo_scan_memory_bytes", "Memory that the last run needed.", labels=VERSION),
        "finished": GaugeMetricFamily("seismo_scan_finished_seconds", "When the last run ended.", labels=VERSION),
    }
    for run in run_statistics.last_attempts():
        labels = run.market, run.scanner_version.slug
        last["seconds"].add_metric(labels, sum(run.seconds.values()))
        last["cpu"].add_metric(labels, run.cpu_seconds)
        last["memory"].add_metric(labels, run.peak_memory_mb * 1024 * 1024)
        last["finished"].add_metric(labels, run.finished_at.timestamp() if run.finished_at else 0)
    yield from last.values()
    picks = GaugeMetricFamily("seismo_scan_picks", "Picks of the last published session.", labels=VERSION)
    for market, version, ranked in run_statistics.last_picks():
        picks.add_metric((market, version), ranked)
    yield picks
    ratio = GaugeMetricFamily(
        "seismo_scan_success_ratio",
        f"Runs of the latest {run_statistics.SESSIONS} sessions that did not fail.",
        labels=VERSION,
    )
    mean = GaugeMetricFamily("seismo_scan_mean_seconds", "Mean duration of a session of the same.", labels=VERSION)
    for row in run_statistics.get_run_statistics():
        ratio.add_metric((row.market, row.scanner_version), row.success_rate)
        if row.mean_seconds is not None:
            mean.add_metric((row.market, row.scanner_version), row.mean_seconds)
    yield ratio
    yield mean


def _features() -> Iterator[Any]:
    """Feature flags: their state, what was measured with and without each, what the guard turned off."""
    share = GaugeMetricFamily(
        "seismo_feature_share", "Percent of the work with a feature: 100 on, 0 off, between A/B.", labels=["feature"]
    )
    mean = GaugeMetricFamily(
        "seismo_feature_mean", "Mean of a feature's metric over the kept work.", labels=["feature", "metric", "arm"]
    )
    turned_off = GaugeMetricFamily(
        "seismo_feature_rolled_back", "1 where the guard turned the feature off.", labels=["feature"]
    )
    for state in feature_flags.get_states():
        flag = state.flag
        share.add_metric([flag.feature], flag.share if flag.enabled else 0)
        turned_off.add_metric([flag.feature], float(not flag.enabled and flag.changed_by == "guard"))
        for arm, value, _ in state.means:
            mean.add_metric([flag.feature, flag.metric, arm], value)
    yield from (share, mean, turned_off)


def _candles() -> Iterator[Any]:
    """The newest chunks of all collections of candles."""
    figures = candles.recent_figures()
    seconds = GaugeMetricFamily("seismo_candle_seconds", "Seconds of the newest 1,000 chunks by step.", labels=["step"])
    for step in candles.STEPS:
        seconds.add_metric([step], figures[f"seconds_{step}"])
    yield seconds
    for name in ("chunks", "calls", "retries", "rows", "cache_hits"):
        yield GaugeMetricFamily(f"seismo_candle_{name}", f"The {name} of the same.", value=figures[name])
    yield GaugeMetricFamily(
        "seismo_candle_memory_bytes", "Most memory of their processes.", value=figures["memory_peak"]
    )


def _cache() -> Iterator[Any]:
    """Nothing where the cache does not answer."""
    memory = get_memory_use()
    if memory is None:
        return
    used = GaugeMetricFamily("seismo_cache_memory_bytes", "Memory that the cache uses.", labels=["scope"])
    used.add_metric(("all processes" if memory.shared else "one process",), memory.used)
    yield used
    most = GaugeMetricFamily("seismo_cache_memory_limit_bytes", "Memory that the cache may use; 0: no limit.")
    most.add_metric([], memory.most)
    yield most
