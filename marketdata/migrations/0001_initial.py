import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="BarCorrection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("market", models.CharField(max_length=12)),
                ("stock_code", models.CharField(max_length=24)),
                ("date", models.DateField()),
                ("source", models.CharField(max_length=24)),
                (
                    "old",
                    models.JSONField(help_text="The fields that changed, with the values they had"),
                ),
                ("replaced_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["market", "date", "stock_code"], name="correction_market_date"
                    ),
                    models.Index(fields=["replaced_at"], name="correction_replaced_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="CalendarOverride",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("market", models.CharField(max_length=12)),
                ("date", models.DateField()),
                ("is_open", models.BooleanField(default=False)),
                (
                    "note",
                    models.CharField(
                        blank=True, help_text="Why, and where it is from", max_length=200
                    ),
                ),
            ],
            options={
                "ordering": ["market", "-date"],
                "constraints": [
                    models.UniqueConstraint(fields=("market", "date"), name="override_market_date")
                ],
            },
        ),
        migrations.CreateModel(
            name="FactorEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("market", models.CharField(max_length=12)),
                ("stock_code", models.CharField(max_length=24)),
                ("date", models.DateField()),
                ("ratio", models.FloatField()),
                ("source", models.CharField(max_length=24)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("market", "stock_code", "date"), name="event_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ratio__gt", 0)), name="event_ratio_positive"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Instrument",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("market", models.CharField(max_length=12)),
                ("code", models.CharField(max_length=24)),
                ("name", models.CharField(blank=True, max_length=120)),
                ("kind", models.CharField(default="common", max_length=12)),
                ("segment", models.CharField(blank=True, max_length=20)),
                (
                    "first_bar",
                    models.DateField(help_text="Date of the earliest recorded bar", null=True),
                ),
                (
                    "last_bar",
                    models.DateField(help_text="Date of the latest recorded bar", null=True),
                ),
            ],
            options={
                "ordering": ["market", "code"],
                "indexes": [models.Index(fields=["market", "name"], name="instrument_market_name")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("market", "code"), name="instrument_market_code"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LakePartition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("market", models.CharField(max_length=12)),
                ("month", models.DateField(help_text="First day of the month")),
                ("wanted", models.PositiveBigIntegerField(default=1)),
                ("written", models.PositiveBigIntegerField(default=0)),
                ("rows", models.PositiveIntegerField(default=0)),
                ("bytes", models.PositiveBigIntegerField(default=0)),
                ("digest", models.CharField(blank=True, max_length=32)),
                (
                    "sessions",
                    models.JSONField(
                        default=dict,
                        help_text="ISO date -> [bars, digest, bars that can be scanned]",
                    ),
                ),
                ("written_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["market", "month"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("market", "month"), name="partition_market_month"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="StockPrice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("market", models.CharField(max_length=12)),
                ("stock_code", models.CharField(max_length=24)),
                ("date", models.DateField()),
                ("source", models.CharField(max_length=24)),
                ("open", models.FloatField()),
                ("high", models.FloatField()),
                ("low", models.FloatField()),
                ("close", models.FloatField()),
                ("volume", models.FloatField()),
                ("amount", models.FloatField(null=True)),
                ("base_price", models.FloatField(null=True)),
                ("market_cap", models.FloatField(null=True)),
                ("shares", models.FloatField(null=True)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("stock_code", "market", "date", "source"), name="price_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="InstrumentStatus",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=24)),
                ("valid_from", models.DateField(help_text="First day this was seen")),
                ("valid_to", models.DateField(help_text="Last day this was seen")),
                ("segment", models.CharField(max_length=20, null=True)),
                ("department", models.CharField(max_length=40, null=True)),
                (
                    "kind",
                    models.CharField(
                        help_text="common, preferred, spac, reit, etf, etn, fund, dr",
                        max_length=12,
                        null=True,
                    ),
                ),
                (
                    "managed",
                    models.BooleanField(help_text="Under administration (관리종목)", null=True),
                ),
                (
                    "caution",
                    models.BooleanField(
                        help_text="Investment caution (투자주의환기종목)", null=True
                    ),
                ),
                (
                    "instrument",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="statuses",
                        to="marketdata.instrument",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "instrument statuses",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("instrument", "source", "valid_from"),
                        name="status_instrument_source_from",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("valid_to__gte", models.F("valid_from"))),
                        name="status_order",
                    ),
                ],
            },
        ),
    ]
