from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("marketdata", "0011_instrument_generations"),
        ("candles", "0004_flags_moved"),
    ]

    operations = [
        # The tables come from `candles`.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="FlagRollback",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("feature", models.CharField(max_length=24)),
                        ("metric", models.CharField(max_length=24)),
                        ("mean", models.FloatField()),
                        ("threshold", models.FloatField()),
                        ("observations", models.PositiveIntegerField()),
                        ("at", models.DateTimeField()),
                    ],
                    options={
                        "ordering": ["-at", "-pk"],
                    },
                ),
                migrations.CreateModel(
                    name="FeatureFlag",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("feature", models.CharField(max_length=24, unique=True)),
                        ("enabled", models.BooleanField(default=True)),
                        ("metric", models.CharField(help_text="The metric that the guard watches", max_length=24)),
                        (
                            "threshold",
                            models.FloatField(help_text="20 % past it, over the window, turns the feature off"),
                        ),
                        ("window", models.PositiveIntegerField(help_text="Observations that are averaged")),
                        ("changed_at", models.DateTimeField(null=True)),
                        ("changed_by", models.CharField(blank=True, max_length=150)),
                    ],
                    options={
                        "ordering": ["feature"],
                        "constraints": [
                            models.CheckConstraint(condition=models.Q(("window__gte", 1)), name="flag_window")
                        ],
                    },
                ),
            ]
        ),
        migrations.AddField(
            "FeatureFlag",
            "share",
            models.PositiveSmallIntegerField(
                default=100,
                help_text="Percent of the work with the feature; below 100 both ways are measured and compared",
            ),
        ),
        migrations.AddConstraint(
            "FeatureFlag",
            models.CheckConstraint(condition=models.Q(share__gte=1, share__lte=100), name="flag_share"),
        ),
        migrations.CreateModel(
            name="FeatureMeasurement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("feature", models.CharField(max_length=24)),
                ("is_on", models.BooleanField()),
                ("value", models.FloatField()),
                ("at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-pk"],
                "indexes": [models.Index(fields=["feature", "is_on"], name="feature_measurement")],
            },
        ),
    ]
