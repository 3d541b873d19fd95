"""The tables of scans: versions, runs, ranks, signals, messages, readers' own rows and sweeps."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import scans.models.encrypted_text


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("scans", "0001_initial"),
        ("scans", "0003_marks"),
        ("scans", "0004_scanner_version_columns"),
        ("scans", "0005_message_channels"),
        ("scans", "0006_signal_bounds"),
        ("scans", "0007_preclose"),
        ("scans", "0008_attempts"),
        ("scans", "0009_sweeps"),
        ("scans", "0010_readings"),
        ("scans", "0011_preclose_messages"),
        ("scans", "0012_sweep_batches"),
        ("scans", "0013_encrypted_addresses"),
        ("scans", "0014_intraday_messages"),
        ("scans", "0015_halving"),
        ("scans", "0016_feature_flags"),
        ("scans", "0017_calendar_notices"),
    ]

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ScannerVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=40, unique=True)),
                ("title", models.CharField(blank=True, max_length=120)),
                ("engine", models.CharField(max_length=24)),
                ("params", models.JSONField(blank=True, default=dict)),
                ("segments", models.JSONField(blank=True, default=list)),
                ("limits", models.JSONField(blank=True, default=dict)),
                ("enabled", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "ordering": ["slug"],
            },
        ),
        migrations.CreateModel(
            name="Sweep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=60, unique=True)),
                ("market", models.CharField(max_length=12)),
                ("engine", models.CharField(max_length=24)),
                ("revision", models.PositiveSmallIntegerField()),
                (
                    "base",
                    models.JSONField(default=dict, help_text="Segments, limits and parameters that all variants share"),
                ),
                ("grid", models.JSONField(help_text="Parameter -> its values")),
                ("size", models.PositiveIntegerField(default=0, help_text="How many variants there are to judge")),
                (
                    "sample",
                    models.PositiveIntegerField(
                        help_text="How many variants were drawn; blank: the whole grid", null=True
                    ),
                ),
                ("seed", models.BigIntegerField(default=0)),
                (
                    "halving",
                    models.BooleanField(default=False, help_text="The worse half of the variants drops out early"),
                ),
                ("first", models.DateField()),
                ("choose_from", models.DateField()),
                ("test_from", models.DateField()),
                ("last", models.DateField()),
                ("horizon", models.PositiveSmallIntegerField(help_text="Sessions held")),
                ("costs", models.FloatField(help_text="Share of a round trip; blank: by the dated table", null=True)),
                (
                    "data_digest",
                    models.CharField(help_text="Of everything recorded up to the last session read", max_length=32),
                ),
                ("evaluation_revision", models.PositiveSmallIntegerField()),
                ("code_revision", models.CharField(blank=True, max_length=64)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="running",
                        max_length=12,
                    ),
                ),
                (
                    "result",
                    models.JSONField(default=dict, help_text="Tests of the best variant, walk-forward, the verdict"),
                ),
                ("seconds", models.JSONField(default=dict, help_text="Stage -> seconds")),
                ("started_by", models.CharField(blank=True, max_length=150)),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-started_at"],
            },
        ),
        migrations.CreateModel(
            name="Evening",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("session", models.DateField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("published", "Published"),
                            ("partial", "Partial"),
                            ("incomplete", "Incomplete"),
                            ("failed", "Failed"),
                        ],
                        default="running",
                        max_length=12,
                    ),
                ),
                ("started_by", models.CharField(blank=True, max_length=150)),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-started_at"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "running")), fields=("market",), name="evening_one_at_a_time"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MessageChannel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40)),
                ("kind", models.CharField(choices=[("email", "Email"), ("service", "Service")], max_length=12)),
                ("address", scans.models.encrypted_text.EncryptedText(blank=True)),
                ("markets", models.JSONField(blank=True, default=list)),
                ("versions", models.JSONField(blank=True, default=list)),
                ("language", models.CharField(blank=True, max_length=8)),
                ("skips_empty", models.BooleanField(default=False)),
                (
                    "intraday",
                    models.CharField(
                        blank=True,
                        choices=[("", "None"), ("own", "Own"), ("all", "All")],
                        default="",
                        help_text="Messages of levels that prices reach while the session trades: none, own (stocks tagged buy), all",
                        max_length=8,
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("tested_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="message_channels",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("session", models.DateField()),
                ("kind", models.CharField(default="evening", max_length=12)),
                (
                    "number",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Of those of a kind of which a session has several"
                    ),
                ),
                (
                    "as_of",
                    models.DateTimeField(help_text="When the quotes were read, while the session traded", null=True),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("done", "Done"),
                            ("partial", "Partial"),
                            ("failed", "Failed"),
                            ("incomplete", "Incomplete"),
                            ("notice", "Notice"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "reason",
                    models.TextField(blank=True, help_text="The reason why nothing, or not everything, was done"),
                ),
                (
                    "versions",
                    models.JSONField(
                        default=list, help_text="Of each version: status, reason, matched, sessions, best picks"
                    ),
                ),
                ("collection", models.JSONField(default=dict, help_text="The collection before the scan")),
                (
                    "signals",
                    models.JSONField(default=dict, help_text="Counts of signals opened and changed, or the error"),
                ),
                (
                    "readiness",
                    models.JSONField(
                        default=dict, help_text="The market's state afterwards, and the bars of the session"
                    ),
                ),
                ("seconds", models.FloatField(default=0.0)),
                ("digest", models.CharField(help_text="Of the content, without counts and times", max_length=32)),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-session", "market"],
                "constraints": [
                    models.UniqueConstraint(fields=("market", "session", "kind", "number"), name="notification_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=40)),
                ("digest", models.CharField(max_length=32)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("claimed_at", models.DateTimeField(null=True)),
                (
                    "sending_at",
                    models.DateTimeField(
                        help_text="Since when a try is on its way whose receiver cannot recognize a repeated one",
                        null=True,
                    ),
                ),
                ("sent_at", models.DateTimeField(null=True)),
                ("given_up", models.BooleanField(default=False)),
                ("error", models.CharField(blank=True, max_length=200)),
                (
                    "reader_channel",
                    models.ForeignKey(
                        help_text="Of a reader's own",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="scans.messagechannel",
                    ),
                ),
                (
                    "notification",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="scans.notification"
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="PrecloseScan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("session", models.DateField()),
                ("source", models.CharField(max_length=24)),
                ("read_from", models.DateTimeField(help_text="The source's clock at its first answer")),
                ("read_at", models.DateTimeField(help_text="The source's clock at its last answer")),
                ("expected", models.PositiveIntegerField(help_text="Instruments that were requested")),
                ("quoted", models.PositiveIntegerField(help_text="Instruments with a whole quote")),
                ("calls", models.PositiveIntegerField(default=0)),
                (
                    "volume_share",
                    models.FloatField(
                        help_text="The share of the day's volume by then, by which volumes were divided; null: as they were",
                        null=True,
                    ),
                ),
                ("index", models.CharField(blank=True, help_text="As of a run", max_length=24)),
                ("notes", models.TextField(blank=True)),
                ("seconds", models.FloatField(default=0.0)),
                ("started_by", models.CharField(blank=True, max_length=150)),
                ("content", models.BinaryField(help_text="The quotes, compressed JSON")),
            ],
            options={
                "ordering": ["-session", "-read_at"],
                "constraints": [models.UniqueConstraint(fields=("market", "session", "read_at"), name="preclose_once")],
            },
        ),
        migrations.CreateModel(
            name="ReaderSettings",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("language", models.CharField(blank=True, max_length=8)),
                ("theme", models.CharField(blank=True, max_length=8)),
                ("density", models.CharField(blank=True, max_length=8)),
                (
                    "versions",
                    models.JSONField(blank=True, default=list, help_text="Scanner versions, those to show first"),
                ),
                (
                    "markets",
                    models.JSONField(blank=True, default=list, help_text="Markets; the first one is the start page"),
                ),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reader_settings",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PrecloseAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("engine", models.CharField(max_length=24)),
                ("revision", models.PositiveSmallIntegerField()),
                ("params", models.JSONField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("published", "Published"),
                            ("no_match", "No Match"),
                            ("quarantined", "Quarantined"),
                            ("failed", "Failed"),
                            ("unchanged", "Unchanged"),
                        ],
                        max_length=12,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("notes", models.CharField(blank=True, max_length=200)),
                ("regime", models.CharField(blank=True, max_length=12)),
                ("short_risk", models.PositiveSmallIntegerField(default=0)),
                ("fallback_step", models.PositiveSmallIntegerField(default=0)),
                ("universe", models.PositiveIntegerField(default=0)),
                ("scored", models.PositiveIntegerField(default=0)),
                ("matched", models.PositiveIntegerField(default=0)),
                ("input_digest", models.CharField(blank=True, max_length=32)),
                ("result_digest", models.CharField(blank=True, max_length=32)),
                ("codes", models.JSONField(default=list, help_text="Of the picks, best first")),
                ("ranks", models.JSONField(default=list, help_text="The picks as rows")),
                (
                    "scan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="answers", to="scans.preclosescan"
                    ),
                ),
                (
                    "scanner_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="scans.scannerversion"
                    ),
                ),
            ],
            options={
                "ordering": ["scanner_version__slug"],
            },
        ),
        migrations.CreateModel(
            name="Backfill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("first", models.DateField()),
                ("last", models.DateField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("published", "Published"),
                            ("no_match", "No Match"),
                            ("quarantined", "Quarantined"),
                            ("failed", "Failed"),
                            ("unchanged", "Unchanged"),
                        ],
                        default="running",
                        max_length=12,
                    ),
                ),
                ("done_until", models.DateField(null=True)),
                ("started_at", models.DateTimeField()),
                (
                    "scanner_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="backfills", to="scans.scannerversion"
                    ),
                ),
            ],
            options={
                "ordering": ["-started_at"],
            },
        ),
        migrations.CreateModel(
            name="ActiveVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12, unique=True)),
                ("version", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="scans.scannerversion")),
            ],
        ),
        migrations.CreateModel(
            name="ScanRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("versions", models.JSONField(help_text="The names of the versions, in the requested order")),
                ("first", models.DateField()),
                ("last", models.DateField()),
                ("limits", models.JSONField(default=dict, help_text="Segment -> its largest turnovers only")),
                ("top", models.PositiveIntegerField(help_text="Only the best of each session", null=True)),
                (
                    "pinned",
                    models.JSONField(
                        default=dict, help_text="Version -> the parameters of a recorded run, instead of its own"
                    ),
                ),
                ("publishes", models.BooleanField(default=True)),
                ("executor", models.CharField(default="auto", max_length=12)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=12,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("sessions", models.PositiveIntegerField(help_text="Of all versions together")),
                ("sessions_done", models.PositiveIntegerField(default=0)),
                ("current_version", models.CharField(blank=True, max_length=40)),
                (
                    "outcomes",
                    models.JSONField(default=list, help_text="For each version so far: sessions, runs, error"),
                ),
                ("requested_by", models.CharField(blank=True, max_length=150)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("key", models.CharField(blank=True, help_text="The caller's Idempotency-Key", max_length=128)),
                ("request_hash", models.CharField(help_text="Of the request's options", max_length=32)),
                ("created_at", models.DateTimeField()),
                ("queued_at", models.DateTimeField(help_text="When a task was last put into the queue for it")),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(fields=["market", "-id"], name="request_market"),
                    models.Index(fields=["status", "queued_at"], name="request_status"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("key", ""), _negated=True),
                        fields=("requested_by", "key"),
                        name="request_key_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ScanDraft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scanner_version", models.CharField(max_length=40)),
                ("date", models.DateField()),
                ("answer", models.JSONField(help_text="As `run_scan --format json` prints it")),
                ("made_at", models.DateTimeField()),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="drafts", to="scans.scanrequest"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ScanRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("first", models.DateField()),
                ("last", models.DateField()),
                ("engine", models.CharField(max_length=24)),
                ("revision", models.PositiveSmallIntegerField()),
                ("code_revision", models.CharField(blank=True, max_length=64)),
                ("params", models.JSONField(help_text="Every parameter as it was, with segments and limits")),
                ("params_hash", models.CharField(max_length=32)),
                (
                    "data_digest",
                    models.CharField(help_text="Of everything recorded up to the last session", max_length=32),
                ),
                (
                    "index",
                    models.CharField(
                        blank=True, help_text="The series of its regimes; blank: the market's own index", max_length=24
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("published", "Published"),
                            ("no_match", "No Match"),
                            ("quarantined", "Quarantined"),
                            ("failed", "Failed"),
                            ("unchanged", "Unchanged"),
                        ],
                        default="running",
                        max_length=12,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("sessions", models.PositiveIntegerField(default=0)),
                ("universe", models.PositiveBigIntegerField(default=0)),
                ("scored", models.PositiveBigIntegerField(default=0)),
                ("matched", models.PositiveBigIntegerField(default=0)),
                ("seconds", models.JSONField(default=dict, help_text="Stage -> seconds")),
                ("cpu_seconds", models.FloatField(default=0)),
                (
                    "peak_memory_mb",
                    models.PositiveIntegerField(
                        default=0, help_text="The most that the run itself needed, beside what the process had already"
                    ),
                ),
                (
                    "bars",
                    models.PositiveBigIntegerField(
                        default=0, help_text="Bars read; 0 where the features came from the cache"
                    ),
                ),
                ("executor", models.CharField(blank=True, max_length=40)),
                ("started_by", models.CharField(blank=True, max_length=150)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "read_at",
                    models.DateTimeField(
                        help_text="When the provisional bars of its last session were read; null: they were settled",
                        null=True,
                    ),
                ),
                (
                    "scanner_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="runs", to="scans.scannerversion"
                    ),
                ),
            ],
            options={
                "ordering": ["-started_at"],
            },
        ),
        migrations.CreateModel(
            name="ScanSession",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("date", models.DateField()),
                ("published", models.BooleanField(default=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("published", "Published"),
                            ("no_match", "No Match"),
                            ("quarantined", "Quarantined"),
                            ("failed", "Failed"),
                            ("unchanged", "Unchanged"),
                        ],
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("notes", models.CharField(blank=True, max_length=200)),
                ("regime", models.CharField(blank=True, max_length=12)),
                ("short_risk", models.PositiveSmallIntegerField(default=0)),
                ("fallback_step", models.PositiveSmallIntegerField(default=0)),
                ("universe", models.PositiveIntegerField(default=0)),
                ("scored", models.PositiveIntegerField(default=0)),
                ("matched", models.PositiveIntegerField(default=0)),
                ("ranked", models.PositiveIntegerField(default=0)),
                (
                    "input_digest",
                    models.CharField(
                        help_text="Of the data up to the session, the parameters and the revision", max_length=32
                    ),
                ),
                ("result_digest", models.CharField(help_text="Of the ranks", max_length=32)),
                (
                    "read_at",
                    models.DateTimeField(
                        help_text="When the provisional bars of the session were read; null: they were settled",
                        null=True,
                    ),
                ),
                (
                    "settled_at",
                    models.DateTimeField(
                        help_text="When settled bars gave this answer, again where it was provisional before", null=True
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="answers", to="scans.scanrun"
                    ),
                ),
                (
                    "scanner_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="scans.scannerversion"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ScanRank",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("date", models.DateField()),
                ("published", models.BooleanField(default=False)),
                ("code", models.CharField(max_length=24)),
                ("name", models.CharField(blank=True, max_length=120)),
                ("segment", models.CharField(blank=True, max_length=20)),
                ("rank", models.PositiveIntegerField()),
                ("score", models.FloatField()),
                ("label", models.CharField(max_length=24)),
                ("strategy", models.CharField(max_length=16)),
                ("close", models.FloatField()),
                ("change_pct", models.FloatField(null=True)),
                ("amount", models.FloatField()),
                ("entry", models.FloatField(help_text="Buy stop, where the plan has one", null=True)),
                ("target", models.FloatField(null=True)),
                ("stop", models.FloatField(null=True)),
                ("holding_min", models.PositiveSmallIntegerField(default=0, help_text="Sessions; 0 = none")),
                ("holding_max", models.PositiveSmallIntegerField(default=0, help_text="Sessions; 0 = none")),
                ("signals", models.JSONField(default=list, help_text="The names of the signals that fired")),
                ("components", models.JSONField(default=dict)),
                (
                    "scanner_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="scans.scannerversion"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="scans.scanrun"
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="ranks", to="scans.scansession"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="QuarantineDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "verdict",
                    models.CharField(choices=[("published", "Published"), ("discarded", "Discarded")], max_length=12),
                ),
                ("who", models.CharField(max_length=150)),
                ("at", models.DateTimeField()),
                (
                    "session",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="decision", to="scans.scansession"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Signal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("code", models.CharField(max_length=24)),
                ("picked_on", models.DateField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("open", "Open"),
                            ("target", "Target"),
                            ("stop", "Stop"),
                            ("expired", "Expired"),
                            ("lapsed", "Lapsed"),
                            ("suspect", "Suspect"),
                        ],
                        max_length=12,
                    ),
                ),
                ("entered_on", models.DateField(null=True)),
                ("entry_price", models.FloatField(null=True)),
                ("exit_on", models.DateField(null=True)),
                ("exit_price", models.FloatField(null=True)),
                (
                    "return_pct",
                    models.FloatField(help_text="Of a closed signal, or open: to the last close", null=True),
                ),
                (
                    "bound_pct",
                    models.FloatField(
                        help_text="The return if the entry bar reached the stop after filling the buy stop; null where it cannot have",
                        null=True,
                    ),
                ),
                (
                    "revision",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="The rules: 1 the plan's exact target and stop, 2 their order prices, 3 within daily limits too",
                    ),
                ),
                ("sessions_held", models.PositiveIntegerField(default=0)),
                ("seen_until", models.DateField(help_text="The last session that this depends on")),
                (
                    "rank",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="signal", to="scans.scanrank"
                    ),
                ),
                (
                    "scanner_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="scans.scannerversion"
                    ),
                ),
            ],
            options={
                "ordering": ["-picked_on", "code"],
            },
        ),
        migrations.CreateModel(
            name="IntradayTouch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("session", models.DateField()),
                ("level", models.CharField(help_text="target or stop", max_length=8)),
                ("read_at", models.DateTimeField(help_text="The source's clock at the first reading")),
                ("confirmed", models.BooleanField(default=False)),
                (
                    "signal",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="touch", to="scans.signal"
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="SweepLook",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("figures", models.JSONField(help_text="Sessions held -> figures")),
                (
                    "looks_before",
                    models.PositiveIntegerField(
                        help_text="Looks at these sessions by any sweep of the market before it"
                    ),
                ),
                ("looked_by", models.CharField(blank=True, max_length=150)),
                ("looked_at", models.DateTimeField()),
                (
                    "sweep",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="looks", to="scans.sweep"
                    ),
                ),
            ],
            options={
                "ordering": ["looked_at"],
            },
        ),
        migrations.CreateModel(
            name="SweepVariant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("params", models.JSONField(help_text="The values of the grid's parameters")),
                ("figures", models.JSONField(default=dict, help_text="Sessions held -> figures")),
                (
                    "sessions",
                    models.PositiveIntegerField(default=0, help_text="Sessions judged; few: dropped by halving"),
                ),
                (
                    "sharpe",
                    models.FloatField(
                        help_text="Mean over deviation of the daily excess over matched shares", null=True
                    ),
                ),
                (
                    "returns",
                    models.BinaryField(
                        default=bytes, help_text="That excess on each session before the test period, float64"
                    ),
                ),
                (
                    "sweep",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="variants", to="scans.sweep"
                    ),
                ),
            ],
            options={
                "ordering": ["sweep", "number"],
            },
        ),
        migrations.AddField(
            model_name="sweep",
            name="chosen",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="scans.sweepvariant"
            ),
        ),
        migrations.AddField(
            model_name="scannerversion",
            name="sweep_variant",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="versions",
                to="scans.sweepvariant",
            ),
        ),
        migrations.CreateModel(
            name="VersionChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("who", models.CharField(blank=True, max_length=150)),
                ("before", models.JSONField(default=dict)),
                ("after", models.JSONField(default=dict)),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="changes", to="scans.scannerversion"
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Mark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("code", models.CharField(max_length=24)),
                ("date", models.DateField(blank=True, null=True)),
                (
                    "tag",
                    models.CharField(
                        blank=True,
                        choices=[("watch", "Watch"), ("buy", "Buy"), ("exclude", "Exclude"), ("question", "Question")],
                        max_length=8,
                    ),
                ),
                ("note", models.TextField(blank=True, max_length=2000)),
                ("seen_at", models.DateTimeField(blank=True, null=True)),
                ("updated_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="marks", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-updated_at", "-pk"],
                "indexes": [
                    models.Index(fields=["user", "market", "date"], name="mark_session"),
                    models.Index(fields=["user", "market", "code"], name="mark_code"),
                    models.Index(fields=["user", "market", "-updated_at", "-id"], name="mark_latest"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("date__isnull", False)),
                        fields=("user", "market", "code", "date"),
                        name="mark_of_session_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("date__isnull", True)),
                        fields=("user", "market", "code"),
                        name="mark_of_instrument_once",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="messagechannel",
            constraint=models.UniqueConstraint(fields=("user", "name"), name="message_channel_name"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(fields=("notification", "channel", "digest"), name="delivery_once"),
        ),
        migrations.AddConstraint(
            model_name="precloseanswer",
            constraint=models.UniqueConstraint(fields=("scan", "scanner_version"), name="preclose_version_once"),
        ),
        migrations.AddConstraint(
            model_name="backfill",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "running")),
                fields=("market", "scanner_version"),
                name="backfill_one_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="scandraft",
            constraint=models.UniqueConstraint(fields=("request", "scanner_version", "date"), name="draft_once"),
        ),
        migrations.AddIndex(
            model_name="scanrun",
            index=models.Index(fields=["market", "scanner_version", "-started_at"], name="run_market_version"),
        ),
        migrations.AddIndex(
            model_name="scansession",
            index=models.Index(fields=["market", "date"], name="session_market_date"),
        ),
        migrations.AddConstraint(
            model_name="scansession",
            constraint=models.UniqueConstraint(
                condition=models.Q(("published", True)),
                fields=("market", "scanner_version", "date"),
                name="session_published_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="scansession",
            constraint=models.UniqueConstraint(fields=("run", "date"), name="session_run_date"),
        ),
        migrations.AddIndex(
            model_name="scanrank",
            index=models.Index(fields=["market", "scanner_version", "date", "rank"], name="rank_market_version_date"),
        ),
        migrations.AddIndex(
            model_name="scanrank",
            index=models.Index(fields=["market", "code", "date"], name="rank_market_code_date"),
        ),
        migrations.AddConstraint(
            model_name="scanrank",
            constraint=models.UniqueConstraint(
                condition=models.Q(("published", True)),
                fields=("market", "scanner_version", "date", "code"),
                name="rank_published_once",
            ),
        ),
        migrations.AddIndex(
            model_name="signal",
            index=models.Index(fields=["market", "status", "picked_on"], name="signal_market_status"),
        ),
        migrations.AddIndex(
            model_name="signal",
            index=models.Index(fields=["market", "code"], name="signal_market_code"),
        ),
        migrations.AddIndex(
            model_name="signal",
            index=models.Index(fields=["market", "-picked_on", "-id"], name="signal_market_latest"),
        ),
        migrations.AddIndex(
            model_name="signal",
            index=models.Index(fields=["-picked_on", "code"], name="signal_picked_on"),
        ),
        migrations.AddConstraint(
            model_name="sweepvariant",
            constraint=models.UniqueConstraint(fields=("sweep", "number"), name="sweep_variant_once"),
        ),
    ]
