"""The scanner versions of a fresh installation, each with its engine's defaults except where a parameter is given, the
active version of each market, and the feature flags of scans."""

from django.db import migrations

# slug: (engine, title, parameters, segments)
VERSIONS = {
    "v1": ("v1", "Strict crossover scanner", {}, []),
    "v2": ("v2", "Soft-gated, risk-adjusted scanner", {}, []),
    "v3": ("v3", "Two horizons: midterm and pullback", {}, []),
    "seismograph": ("seismograph", "Accumulation before the quake", {}, []),
    "vcp": ("vcp", "Volatility contraction", {}, []),
    # Coins: no least price, since one coin costs a tenth of a won and another a hundred million.
    "v2-crypto": ("v2", "v2 for coins quoted in won", {"price_min": 0.0}, ["KRW"]),
    "seismograph-crypto": ("seismograph", "Seismograph for coins quoted in won", {"turnover_min": 1e9}, ["KRW"]),
}
ACTIVE = {"kr": "v2", "upbit": "v2-crypto", "bithumb": "v2-crypto"}

# Feature, metric that shows harm, threshold (seconds), observations that are averaged.
FLAGS = (
    ("process_pool", "seconds_per_session", 30, 20),
    ("provisional_scans", "seconds_preclose", 300, 5),
    ("score_cache", "seconds_per_session", 30, 20),
    ("warm_up", "seconds_first_read", 1, 20),
)


def add_versions(apps, schema_editor):
    version = apps.get_model("scans", "ScannerVersion")
    for slug, (engine, title, params, segments) in VERSIONS.items():
        version.objects.get_or_create(
            slug=slug, defaults={"engine": engine, "title": title, "params": params, "segments": segments}
        )
    active = apps.get_model("scans", "ActiveVersion")
    for market, slug in ACTIVE.items():
        active.objects.get_or_create(market=market, defaults={"version": version.objects.get(slug=slug)})


def add_flags(apps, schema_editor):
    flag = apps.get_model("marketdata", "FeatureFlag")
    for feature, metric, threshold, window in FLAGS:
        flag.objects.get_or_create(
            feature=feature, defaults={"metric": metric, "threshold": threshold, "window": window}
        )


class Migration(migrations.Migration):
    dependencies = [("scans", "0001_schema"), ("marketdata", "0001_schema")]

    operations = [
        migrations.RunPython(add_versions, migrations.RunPython.noop),
        migrations.RunPython(add_flags, migrations.RunPython.noop),
    ]
