"""The shipped versions for coins say that they are: their segment is the quote currency, as it was taken to be on the
markets of coins before, so that the evening of another market leaves them out."""

from django.db import migrations

SLUGS = ("v2-crypto", "seismograph-crypto")


def name_segments(apps, schema_editor):
    version = apps.get_model("scans", "ScannerVersion")
    version.objects.filter(slug__in=SLUGS, segments=[]).update(segments=["KRW"])


class Migration(migrations.Migration):
    dependencies = [("scans", "0012_evenings")]
    operations = [migrations.RunPython(name_segments, migrations.RunPython.noop)]
