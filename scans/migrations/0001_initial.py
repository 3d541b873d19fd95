import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

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
            options={"ordering": ["slug"]},
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
            name="Notification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("market", models.CharField(max_length=12)),
                ("session", models.DateField()),
                ("kind", models.CharField(default="evening", max_length=12)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("done", "Done"),
                            ("partial", "Partial"),
                            ("failed", "Failed"),
                            ("incomplete", "Incomplete"),
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
                    models.UniqueConstraint(fields=("market", "session", "kind"), name="notification_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="ReaderSettings",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("language", models.CharField(blank=True, max_length=8)),
                ("theme", models.CharField(blank=True, max_length=8)),
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
                ("peak_memory_mb", models.PositiveIntegerField(default=0)),
                ("executor", models.CharField(blank=True, max_length=40)),
                ("started_by", models.CharField(blank=True, max_length=150)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="runs", to="scans.scannerversion"
                    ),
                ),
            ],
            options={"ordering": ["-started_at"]},
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
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="answers", to="scans.scanrun"
                    ),
                ),
                (
                    "version",
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
                    "revision",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="The rule of its end: 1 the plan's exact target and stop, 2 their order prices",
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
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="scans.scannerversion"
                    ),
                ),
            ],
            options={"ordering": ["-picked_on", "code"]},
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
            options={"ordering": ["-at", "-pk"]},
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=12)),
                ("digest", models.CharField(max_length=32)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("claimed_at", models.DateTimeField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("given_up", models.BooleanField(default=False)),
                ("error", models.CharField(blank=True, max_length=200)),
                (
                    "notification",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="scans.notification"
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("notification", "channel", "digest"), name="delivery_once")
                ],
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
                        ],
                        default="running",
                        max_length=12,
                    ),
                ),
                ("done_until", models.DateField(null=True)),
                ("started_at", models.DateTimeField()),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="backfills", to="scans.scannerversion"
                    ),
                ),
            ],
            options={
                "ordering": ["-started_at"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "running")),
                        fields=("market", "version"),
                        name="backfill_one_at_a_time",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ScanDraft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.CharField(max_length=40)),
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
            options={
                "constraints": [models.UniqueConstraint(fields=("request", "version", "date"), name="draft_once")]
            },
        ),
        migrations.AddIndex(
            model_name="scanrun",
            index=models.Index(fields=["market", "version", "-started_at"], name="run_market_version"),
        ),
        migrations.AddIndex(
            model_name="scansession", index=models.Index(fields=["market", "date"], name="session_market_date")
        ),
        migrations.AddConstraint(
            model_name="scansession",
            constraint=models.UniqueConstraint(
                condition=models.Q(("published", True)),
                fields=("market", "version", "date"),
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
            model_name="scanrank", index=models.Index(fields=["market", "code", "date"], name="rank_market_code_date")
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
            model_name="signal", index=models.Index(fields=["market", "code"], name="signal_market_code")
        ),
        migrations.AddIndex(
            model_name="signal", index=models.Index(fields=["market", "-picked_on", "-id"], name="signal_market_latest")
        ),
        migrations.AddIndex(
            model_name="signal", index=models.Index(fields=["-picked_on", "code"], name="signal_picked_on")
        ),
    ]
