"""v2 and seismograph for coins quoted in won: no least price, since one coin costs a tenth of a won and another a
hundred million; the turnover of a market that never closes. v2-crypto is active on both markets of coins."""

from django.db import migrations

SHIPPED = {
    "v2-crypto": ("v2", "v2 for coins quoted in won", {"price_min": 0.0}),
    "seismograph-crypto": (
        "seismograph",
        "Seismograph for coins quoted in won",
        {"turnover_min": 1e9},
    ),
}
MARKETS = ("upbit", "bithumb")


def ship(apps, schema_editor):
    version = apps.get_model("scans", "ScannerVersion")
    for slug, (engine, title, params) in SHIPPED.items():
        version.objects.get_or_create(
            slug=slug, defaults={"engine": engine, "title": title, "params": params}
        )
    active = apps.get_model("scans", "ActiveVersion")
    for market in MARKETS:
        active.objects.get_or_create(
            market=market, defaults={"version": version.objects.get(slug="v2-crypto")}
        )


class Migration(migrations.Migration):
    dependencies = [("scans", "0009_signal_picked_on")]
    operations = [migrations.RunPython(ship, migrations.RunPython.noop)]
