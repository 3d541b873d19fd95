from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("marketdata", "0011_late_calls"),
    ]

    operations = [
        *(
            migrations.RemoveField(model_name="callpace", name=name)
            for name in ("next_at", "held_until", "slower", "slowed_at", "floor", "late", "late_at")
        ),
        migrations.AddField(
            model_name="callpace",
            name="state",
            field=models.TextField(default=""),
            preserve_default=False,
        ),
    ]
