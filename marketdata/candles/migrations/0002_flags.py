"""The feature flags of the collector, each with its guard's metric and threshold."""

from django.db import migrations

# Feature, metric that shows harm, threshold (seconds, or a ratio of hits), observations that are averaged.
FLAGS = (
    ("adaptive_window", "seconds_per_slot", 0.05, 50),
    ("combined_cache", "cache_hit_ratio", 0.05, 500),
    ("look_ahead", "seconds_analysis", 0.25, 50),
    ("advised_pace", "retries_per_call", 0.05, 50),
)
# Off until a person turns it on.
OFF = "advised_pace"


def add_flags(apps, schema_editor):
    flag = apps.get_model("marketdata", "FeatureFlag")
    for feature, metric, threshold, window in FLAGS:
        flag.objects.get_or_create(
            feature=feature,
            defaults={"enabled": feature != OFF, "metric": metric, "threshold": threshold, "window": window},
        )


class Migration(migrations.Migration):
    dependencies = [("candles", "0001_schema"), ("marketdata", "0001_schema")]

    operations = [migrations.RunPython(add_flags, migrations.RunPython.noop)]
