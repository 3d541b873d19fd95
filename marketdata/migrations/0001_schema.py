"""The tables of the market data record. The indexes of prices come apart, in 0002."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("marketdata", "0001_initial"),
        ("marketdata", "0005_own_series"),
        ("marketdata", "0006_caps_apart"),
        ("marketdata", "0007_valuations"),
        ("marketdata", "0008_session_readings"),
        ("marketdata", "0009_tasks"),
        ("marketdata", "0010_daily_calls"),
        ("marketdata", "0011_instrument_generations"),
        ("marketdata", "0012_feature_flags"),
        ("marketdata", "0013_task_request"),
        ("marketdata", "0014_tick_readings"),
        ("marketdata", "0015_source_calls"),
        ("marketdata", "0016_calendar_notices"),
    ]

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="FlagRollback",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
            name="Generation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=24, unique=True)),
                ("changed_at", models.DateTimeField()),
                ("shared_at", models.DateTimeField(null=True)),
                ("instruments", models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name="IndexChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12, unique=True)),
                (
                    "name",
                    models.CharField(
                        blank=True, help_text="own-cap or a recorded series; blank: own-equal", max_length=24
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LeaseRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=160, unique=True)),
                ("fence", models.CharField(max_length=32)),
                ("host", models.CharField(blank=True, max_length=120)),
                ("hostname", models.CharField(blank=True, max_length=120)),
                ("pid", models.PositiveBigIntegerField()),
                ("process_started", models.PositiveBigIntegerField(help_text="Clock ticks after the host's boot")),
                ("taken_at", models.DateTimeField()),
                ("beat_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="RateLimitRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("group", models.CharField(max_length=80, unique=True)),
                ("state", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="BarCorrection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("stock_code", models.CharField(max_length=24)),
                ("date", models.DateField()),
                ("source", models.CharField(max_length=24)),
                ("old", models.JSONField(help_text="The fields that changed, with the values they had")),
                ("reason", models.CharField(blank=True, db_default="", default="", max_length=80)),
                ("replaced_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["market", "date", "stock_code"], name="correction_market_date"),
                    models.Index(fields=["replaced_at"], name="correction_replaced_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="BarCoverage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("stock_code", models.CharField(max_length=24)),
                ("source", models.CharField(max_length=24)),
                ("first", models.DateField()),
                ("last", models.DateField()),
                ("unknown", models.BooleanField(default=False, help_text="It has no such instrument")),
                ("spoiled", models.BooleanField(default=False, help_text="Its answers lacked values")),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("settled", models.DateField(null=True)),
                ("asked_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("market", "source", "stock_code", "first"), name="coverage_key"),
                    models.CheckConstraint(condition=models.Q(("last__gte", models.F("first"))), name="coverage_order"),
                ],
            },
        ),
        migrations.CreateModel(
            name="CalendarChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("date", models.DateField()),
                ("source", models.CharField(max_length=24)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("written", "Written"),
                            ("withdrawn", "Withdrawn"),
                            ("disputed", "Disputed"),
                            ("agreed", "Agreed"),
                        ],
                        max_length=10,
                    ),
                ),
                ("is_open", models.BooleanField(help_text="What the source says of the day")),
                ("note", models.CharField(blank=True, max_length=200)),
                ("at", models.DateTimeField()),
                ("notified_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-at", "-pk"],
                "indexes": [models.Index(fields=["market", "date"], name="calendar_change_day")],
            },
        ),
        migrations.CreateModel(
            name="CalendarOverride",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("date", models.DateField()),
                ("is_open", models.BooleanField(default=False)),
                (
                    "opens_at",
                    models.TimeField(
                        blank=True, help_text="On the market's clock; empty: as the calendar has it", null=True
                    ),
                ),
                (
                    "closes_at",
                    models.TimeField(
                        blank=True, help_text="On the market's clock; empty: as the calendar has it", null=True
                    ),
                ),
                ("source", models.CharField(blank=True, default="", editable=False, max_length=24)),
                ("note", models.CharField(blank=True, help_text="Why, and where it is from", max_length=200)),
            ],
            options={
                "ordering": ["market", "-date"],
                "constraints": [models.UniqueConstraint(fields=("market", "date"), name="override_market_date")],
            },
        ),
        migrations.CreateModel(
            name="FactorEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("stock_code", models.CharField(max_length=24)),
                ("date", models.DateField()),
                ("ratio", models.FloatField()),
                ("source", models.CharField(max_length=24)),
                (
                    "reason",
                    models.CharField(
                        blank=True, db_default="", default="", help_text="Why, and where it is from", max_length=200
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField(help_text="When its ratio was last corrected", null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("market", "stock_code", "date"), name="event_key"),
                    models.CheckConstraint(condition=models.Q(("ratio__gt", 0)), name="event_ratio_positive"),
                ],
            },
        ),
        migrations.CreateModel(
            name="FeatureFlag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("feature", models.CharField(max_length=24, unique=True)),
                ("enabled", models.BooleanField(default=True)),
                (
                    "share",
                    models.PositiveSmallIntegerField(
                        default=100,
                        help_text="Percent of the work with the feature; below 100 both ways are measured and compared",
                    ),
                ),
                ("metric", models.CharField(help_text="The metric that the guard watches", max_length=24)),
                ("threshold", models.FloatField(help_text="20 % past it, over the window, turns the feature off")),
                ("window", models.PositiveIntegerField(help_text="Observations that are averaged")),
                ("changed_at", models.DateTimeField(null=True)),
                ("changed_by", models.CharField(blank=True, max_length=150)),
            ],
            options={
                "ordering": ["feature"],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("window__gte", 1)), name="flag_window"),
                    models.CheckConstraint(
                        condition=models.Q(("share__gte", 1), ("share__lte", 100)), name="flag_share"
                    ),
                ],
            },
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
        migrations.CreateModel(
            name="FlowCorrection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("stock_code", models.CharField(max_length=24)),
                ("date", models.DateField()),
                ("source", models.CharField(max_length=24)),
                ("old", models.JSONField(help_text="The fields that changed, with the values they had")),
                ("replaced_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["market", "date", "stock_code"], name="flow_correction_date"),
                    models.Index(fields=["replaced_at"], name="flow_correction_replaced_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="FlowPartition",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("month", models.DateField(help_text="First day of the month")),
                ("wanted", models.PositiveBigIntegerField(default=1)),
                ("written", models.PositiveBigIntegerField(default=0)),
                ("rows", models.PositiveIntegerField(default=0)),
                ("bytes", models.PositiveBigIntegerField(default=0)),
                ("digest", models.CharField(blank=True, max_length=32)),
                ("written_at", models.DateTimeField(null=True)),
                (
                    "damage_seen_at",
                    models.DateTimeField(
                        help_text="When its file was last found damaged, or from before files were sealed", null=True
                    ),
                ),
                ("sessions", models.JSONField(default=dict, help_text="ISO date -> [flows, digest]")),
            ],
            options={
                "ordering": ["market", "month"],
                "constraints": [models.UniqueConstraint(fields=("market", "month"), name="flow_partition_month")],
            },
        ),
        migrations.CreateModel(
            name="IndexBar",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("name", models.CharField(max_length=24)),
                ("date", models.DateField()),
                ("open", models.FloatField()),
                ("high", models.FloatField()),
                ("low", models.FloatField()),
                ("close", models.FloatField()),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["market", "name", "-date"],
                "constraints": [models.UniqueConstraint(fields=("market", "name", "date"), name="index_bar_key")],
            },
        ),
        migrations.CreateModel(
            name="InstitutionalFlow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("stock_code", models.CharField(max_length=24)),
                ("date", models.DateField()),
                ("source", models.CharField(max_length=24)),
                ("foreign_net_quantity", models.FloatField(help_text="Shares", null=True)),
                ("foreign_net_value", models.FloatField(help_text="The market's currency", null=True)),
                ("institution_net_quantity", models.FloatField(help_text="Shares", null=True)),
                ("institution_net_value", models.FloatField(help_text="The market's currency", null=True)),
                ("pension_net_quantity", models.FloatField(help_text="Shares", null=True)),
                ("pension_net_value", models.FloatField(help_text="The market's currency", null=True)),
                ("individual_net_quantity", models.FloatField(help_text="Shares", null=True)),
                ("individual_net_value", models.FloatField(help_text="The market's currency", null=True)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["date", "source"], name="flow_date_source"),
                    django.contrib.postgres.indexes.BrinIndex(fields=["created_at"], name="flow_created_at"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("stock_code", "market", "date", "source"), name="flow_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="Instrument",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("code", models.CharField(max_length=24)),
                ("name", models.CharField(blank=True, max_length=120)),
                ("kind", models.CharField(default="common", max_length=12)),
                ("segment", models.CharField(blank=True, max_length=20)),
                ("first_bar", models.DateField(help_text="Date of the earliest recorded bar", null=True)),
                ("last_bar", models.DateField(help_text="Date of the latest recorded bar", null=True)),
                ("listed_on", models.DateField(help_text="First day of trading, as a source lists it", null=True)),
                ("gone_on", models.DateField(help_text="First day a source no longer listed it", null=True)),
            ],
            options={
                "ordering": ["market", "code"],
                "indexes": [models.Index(fields=["market", "name"], name="instrument_market_name")],
                "constraints": [models.UniqueConstraint(fields=("market", "code"), name="instrument_market_code")],
            },
        ),
        migrations.CreateModel(
            name="InstrumentValuation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("stock_code", models.CharField(max_length=24)),
                ("source", models.CharField(max_length=24)),
                ("per", models.FloatField(help_text="Price / earnings a share", null=True)),
                ("eps", models.FloatField(help_text="Earnings a share, in the market's currency", null=True)),
                ("pbr", models.FloatField(help_text="Price / book value", null=True)),
                ("read_at", models.DateTimeField(help_text="When the source was read")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("market", "stock_code", "source"), name="valuation_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="LakePartition",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                        help_text="ISO date -> [bars, digest, bars that can be scanned, those of them that traded, bars that traded, those of them that repeat the session before, digest of the market caps]",
                    ),
                ),
                ("written_at", models.DateTimeField(null=True)),
                (
                    "damage_seen_at",
                    models.DateTimeField(
                        help_text="When its file was last found damaged, or from before files were sealed", null=True
                    ),
                ),
                (
                    "orders",
                    models.JSONField(
                        default=dict,
                        help_text="ISO date -> its sources, the preferred first; empty where there is one source",
                    ),
                ),
                (
                    "closed",
                    models.JSONField(
                        default=dict,
                        help_text="ISO date -> [bars, why]: days with bars on which the market did not trade; why is empty where the calendar says so",
                    ),
                ),
            ],
            options={
                "ordering": ["market", "month"],
                "constraints": [models.UniqueConstraint(fields=("market", "month"), name="partition_market_month")],
            },
        ),
        migrations.CreateModel(
            name="SessionReading",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("date", models.DateField()),
                ("read_at", models.DateTimeField()),
                ("settled_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["market", "-date"],
                "constraints": [models.UniqueConstraint(fields=("market", "date"), name="reading_market_date")],
            },
        ),
        migrations.CreateModel(
            name="SourceVisit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(max_length=24)),
                ("what", models.CharField(max_length=24)),
                ("at", models.DateTimeField()),
                ("calls", models.PositiveIntegerField(default=0)),
                ("answered_at", models.DateTimeField(null=True)),
                ("refused_at", models.DateTimeField(null=True)),
                ("refusal", models.CharField(blank=True, db_default="", default="", max_length=300)),
                ("refusals", models.PositiveIntegerField(db_default=0, default=0)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("source", "what"), name="visit_key")],
            },
        ),
        migrations.CreateModel(
            name="StatusChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("stock_code", models.CharField(max_length=24)),
                ("first", models.DateField()),
                ("before", models.DateField(null=True)),
                ("at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["market", "at"], name="status_change_at")],
            },
        ),
        migrations.CreateModel(
            name="StockPrice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                    models.UniqueConstraint(fields=("stock_code", "market", "date", "source"), name="price_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="TaskRecord",
            fields=[
                ("id", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=40)),
                ("queue", models.CharField(max_length=20)),
                ("name", models.CharField(max_length=100)),
                ("function", models.CharField(max_length=160)),
                ("args", models.JSONField(default=list)),
                ("kwargs", models.JSONField(default=dict)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("group", models.CharField(blank=True, max_length=80)),
                ("place", models.PositiveIntegerField(null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("running", "Running"), ("done", "Done"), ("dead", "Dead")],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("worker", models.CharField(blank=True, max_length=160)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("result", models.JSONField(null=True)),
                ("queued_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField()),
                ("next_try", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "background task",
                "indexes": [
                    models.Index(
                        condition=models.Q(("status__in", ("waiting", "running"))),
                        fields=["status", "sent_at"],
                        name="task_unfinished",
                    ),
                    models.Index(fields=["finished_at", "status"], name="task_finished"),
                    models.Index(fields=["name"], name="task_name"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("group", ""), _negated=True),
                        fields=("group", "place"),
                        name="task_group_place",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TickReading",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("date", models.DateField()),
                ("sizes", models.JSONField()),
            ],
            options={
                "ordering": ["market", "-date"],
                "constraints": [models.UniqueConstraint(fields=("market", "date"), name="tick_reading_market_date")],
            },
        ),
        migrations.CreateModel(
            name="InstrumentStatus",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(max_length=24)),
                ("valid_from", models.DateField(help_text="First day this was seen")),
                ("valid_to", models.DateField(help_text="Last day this was seen")),
                ("segment", models.CharField(max_length=20, null=True)),
                ("department", models.CharField(max_length=40, null=True)),
                (
                    "kind",
                    models.CharField(
                        help_text="common, preferred, spac, reit, etf, etn, fund, dr", max_length=12, null=True
                    ),
                ),
                ("managed", models.BooleanField(help_text="Under administration (관리종목)", null=True)),
                ("caution", models.BooleanField(help_text="Investment caution (투자주의환기종목)", null=True)),
                ("halted", models.BooleanField(help_text="Trading halted (거래정지)", null=True)),
                (
                    "warning",
                    models.CharField(
                        help_text="Market alert (시장경고): 01 notice, 02 warning, 03 danger", max_length=2, null=True
                    ),
                ),
                (
                    "instrument",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="statuses", to="marketdata.instrument"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "instrument statuses",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("instrument", "source", "valid_from"), name="status_instrument_source_from"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("valid_to__gte", models.F("valid_from"))), name="status_order"
                    ),
                ],
            },
        ),
    ]
