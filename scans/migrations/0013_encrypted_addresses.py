"""Addresses of message channels are encrypted; back, they are readable again, except those whose key is lost."""

from typing import Any

from django.db import migrations, models

from scans.models.encrypted_text import EncryptedText


def encrypt_addresses(apps: Any, schema_editor: Any) -> None:
    for row in apps.get_model("scans", "MessageChannel").objects.exclude(address=""):
        row.save(update_fields=["address"])


def decrypt_addresses(apps: Any, schema_editor: Any) -> None:
    rows = apps.get_model("scans", "MessageChannel").objects
    for row in rows.exclude(address=""):
        rows.filter(pk=row.pk).update(address=models.Value(row.address, output_field=models.TextField()))


class Migration(migrations.Migration):
    dependencies = [("scans", "0012_sweep_batches")]

    operations = [
        migrations.AlterField("messagechannel", "address", EncryptedText(blank=True)),
        migrations.RunPython(encrypt_addresses, decrypt_addresses),
    ]
