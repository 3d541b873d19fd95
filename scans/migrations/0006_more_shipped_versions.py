"""v3, seismograph and vcp exist on a fresh installation, each with its engine's own defaults."""

from django.db import migrations

SHIPPED = {
    "v3": "Two horizons: midterm and pullback",
    "seismograph": "Accumulation before the quake",
    "vcp": "Volatility contraction",
}


def ship(apps, schema_editor):
    version = apps.get_model("scans", "ScannerVersion")
    for slug, title in SHIPPED.items():
        version.objects.get_or_create(slug=slug, defaults={"engine": slug, "title": title})


class Migration(migrations.Migration):
    dependencies = [("scans", "0005_signals")]
    operations = [migrations.RunPython(ship, migrations.RunPython.noop)]
