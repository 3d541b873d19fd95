"""The tables of candles and of their collection."""

import django.db.models.deletion
from django.db import migrations, models

from marketdata.models.without_rowid import WithoutRowid


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("candles", "0001_initial"),
        ("candles", "0003_chunk_figures"),
        ("candles", "0004_flags_moved"),
        ("candles", "0005_advised_pace"),
    ]

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="CandleSeries",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("exchange", models.CharField(max_length=24)),
                ("market", models.CharField(max_length=24)),
                ("timeframe", models.CharField(max_length=4)),
                (
                    "offset",
                    models.IntegerField(
                        default=0, help_text="Seconds that the clock which opens its slots is ahead of UTC"
                    ),
                ),
                (
                    "listed",
                    models.BigIntegerField(
                        help_text="Opening of the market's first candle; empty while it is unknown", null=True
                    ),
                ),
                (
                    "history_claimed_at",
                    models.BigIntegerField(
                        default=0, help_text="When an answer first showed that history begins there"
                    ),
                ),
                (
                    "history_confirmed",
                    models.BooleanField(default=False, help_text="The answer of a later collection agreed"),
                ),
                (
                    "empty_before",
                    models.BigIntegerField(
                        help_text="An answer had no candle before this; it verifies no slot yet", null=True
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "candle series",
                "ordering": ["exchange", "market", "timeframe"],
                "constraints": [
                    models.UniqueConstraint(fields=("exchange", "market", "timeframe"), name="candle_series_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="CandleCollection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.BigIntegerField()),
                ("end", models.BigIntegerField()),
                ("closed_until", models.BigIntegerField(help_text="Opening of the forming slot")),
                ("by_count", models.BooleanField(help_text="Requested by a count of slots, not by a range")),
                ("status", models.CharField(help_text="running, done, stopped or failed", max_length=8)),
                ("reason", models.CharField(blank=True, help_text="count, end, history_start or error", max_length=16)),
                ("error", models.CharField(blank=True, max_length=500)),
                (
                    "calls_lost",
                    models.PositiveIntegerField(default=0, help_text="Calls for chunks that could not be stored"),
                ),
                ("pattern", models.CharField(blank=True, max_length=12)),
                (
                    "eta_error",
                    models.FloatField(
                        help_text="Largest relative error of the durations estimated after a tenth", null=True
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "series",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="collections",
                        to="candles.candleseries",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="Candle",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "series_id", "opened", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("opened", models.BigIntegerField()),
                ("open", models.FloatField()),
                ("high", models.FloatField()),
                ("low", models.FloatField()),
                ("close", models.FloatField()),
                ("volume", models.FloatField()),
                ("amount", models.FloatField()),
                ("ticked_ms", models.BigIntegerField()),
                (
                    "series",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="candles",
                        to="candles.candleseries",
                    ),
                ),
            ],
        ),
        WithoutRowid("Candle"),
        migrations.CreateModel(
            name="CandleChunk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("start", models.BigIntegerField()),
                ("end", models.BigIntegerField()),
                ("label", models.CharField(help_text="Its overlap with the record", max_length=26)),
                ("slots_asked", models.PositiveIntegerField()),
                ("slots_answered", models.PositiveBigIntegerField()),
                ("rows", models.PositiveIntegerField()),
                ("calls", models.PositiveIntegerField()),
                ("retries", models.PositiveIntegerField()),
                ("seconds_create", models.FloatField(db_default=0.0, default=0.0)),
                ("seconds_overlap", models.FloatField()),
                ("seconds_api", models.FloatField()),
                ("seconds_process", models.FloatField(db_default=0.0, default=0.0)),
                ("seconds_store", models.FloatField()),
                ("bytes", models.PositiveIntegerField()),
                ("cache_hits", models.PositiveIntegerField()),
                ("stored_at", models.BigIntegerField(help_text="Seconds since 1970 UTC")),
                (
                    "memory",
                    models.BigIntegerField(help_text="Bytes of the process, where this chunk is a sample", null=True),
                ),
                ("memory_peak", models.BigIntegerField(help_text="The most of them so far", null=True)),
                (
                    "collection",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="chunks",
                        to="candles.candlecollection",
                    ),
                ),
            ],
            options={
                "ordering": ["collection", "number"],
                "constraints": [models.UniqueConstraint(fields=("collection", "number"), name="candle_chunk_number")],
            },
        ),
        migrations.CreateModel(
            name="CandleCoverage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.BigIntegerField()),
                ("end", models.BigIntegerField()),
                (
                    "series",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="verified",
                        to="candles.candleseries",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "candle coverage",
                "constraints": [
                    models.UniqueConstraint(fields=("series", "start"), name="candle_coverage_start"),
                    models.CheckConstraint(
                        condition=models.Q(("end__gt", models.F("start"))), name="candle_coverage_order"
                    ),
                ],
            },
        ),
    ]
