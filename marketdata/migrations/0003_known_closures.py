"""Days on which KRX was closed and which the exchange calendars do not know."""

from datetime import date

from django.db import migrations

CLOSURES = (
    (date(2026, 6, 3), "KRX closed: nationwide local elections"),
    (date(2026, 7, 17), "KRX closed: Constitution Day"),
)


def add_closures(apps, schema_editor):
    overrides = apps.get_model("marketdata", "CalendarOverride").objects.using(schema_editor.connection.alias)
    for day, note in CLOSURES:
        overrides.get_or_create(market="kr", date=day, defaults={"is_open": False, "note": note})


class Migration(migrations.Migration):
    dependencies = [("marketdata", "0002_price_indexes")]

    operations = [migrations.RunPython(add_closures, migrations.RunPython.noop)]
