"""The versions that exist on a fresh installation: each engine with its own defaults; v2 is active on KRX."""

from django.db import migrations

SHIPPED = {
    "v1": "Strict crossover scanner",
    "v2": "Soft-gated, risk-adjusted scanner",
}


def ship(apps, schema_editor):
    version = apps.get_model("scans", "ScannerVersion")
    for slug, title in SHIPPED.items():
        version.objects.get_or_create(slug=slug, defaults={"engine": slug, "title": title})
    active = apps.get_model("scans", "ActiveVersion")
    active.objects.get_or_create(market="kr", defaults={"version": version.objects.get(slug="v2")})


class Migration(migrations.Migration):
    dependencies = [("scans", "0001_versions_and_runs")]
    operations = [migrations.RunPython(ship, migrations.RunPython.noop)]
