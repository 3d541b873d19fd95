from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scans", "0002_shipped_versions"),
    ]

    operations = [
        migrations.AddField(
            model_name="sweep",
            name="rolling",
            field=models.PositiveIntegerField(
                help_text="Sessions that each choice of the walk-forward looks back on; blank: all before it", null=True
            ),
        ),
    ]
