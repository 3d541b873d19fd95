"""The feature flags of scans, each with its guard's metric and threshold."""

from django.db import migrations

# Feature, metric that shows harm, threshold (seconds), observations that are averaged.
FLAGS = (
    ("process_pool", "seconds_per_session", 30, 20),
    ("provisional_scans", "seconds_preclose", 300, 5),
    ("score_cache", "seconds_per_session", 30, 20),
    ("warm_up", "seconds_first_read", 1, 20),
)


def add_flags(apps, schema_editor):
    flag = apps.get_model("marketdata", "FeatureFlag")
    for feature, metric, threshold, window in FLAGS:
        flag.objects.get_or_create(
            feature=feature, defaults={"metric": metric, "threshold": threshold, "window": window}
        )


class Migration(migrations.Migration):
    dependencies = [("scans", "0015_halving"), ("marketdata", "0012_feature_flags")]

    operations = [migrations.RunPython(add_flags, migrations.RunPython.noop)]
