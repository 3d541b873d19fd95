"""Settings: the only user of `env`. Each one is documented in `.env.example`.

Without any variable set this is a complete system on one machine: SQLite, an in-process cache and a task
queue in the database. `DATABASE_URL` and `REDIS_URL` switch to PostgreSQL and Redis.
"""

from __future__ import annotations

import socket
from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from seismo_site import database_urls, env, logging, private_files, rest, task_kinds
from seismo_site.version import VERSION as VERSION

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = BASE_DIR if (BASE_DIR / "manage.py").is_file() else Path.cwd()
"""The default folder of `.env` and the data directory: the checkout; where Seismo is an installed package, the current
directory."""
env.load("SEISMO_ENV_FILE", HOME / ".env")

DEBUG = env.flag("SEISMO_DEBUG", default=False)
DATA_DIR = env.folder("SEISMO_DATA_DIR", HOME / "var")
private_files.close_to_others(DATA_DIR)
SECRET_KEY = env.secret("SEISMO_SECRET_KEY", DATA_DIR / "secret_key", get_random_secret_key)
# The keys that encrypt what readers enter, newest first; the secret key after them.
ENCRYPTION_KEYS = env.encryption_keys("SEISMO_ENCRYPTION_KEYS")
ALLOWED_HOSTS = list(env.words("SEISMO_ALLOWED_HOSTS", ("localhost", "127.0.0.1", "[::1]")))
CSRF_TRUSTED_ORIGINS = list(env.origins("SEISMO_CSRF_TRUSTED_ORIGINS"))

INSTALLED_APPS = [
    "seismo_site.apps.SiteConfig",
    "seismo_site.apps.SeismoAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_q",
    "axes",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "marketdata.apps.MarketDataConfig",
    "marketdata.candles.apps.CandlesConfig",
    "marketdata.web",
    "scans.apps.ScansConfig",
]

MIDDLEWARE = [
    "seismo_site.middleware.RequestIdMiddleware",
    "seismo_site.middleware.VersionHeaderMiddleware",
    "seismo_site.metrics.MetricsMiddleware",
    "seismo_site.middleware.CompressionMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "seismo_site.middleware.OriginMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "seismo_site.middleware.ContentPolicyMiddleware",
    "seismo_site.refusals.RefusalMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "seismo_site.middleware.PageLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "seismo_site.middleware.PageMessageMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "seismo_site.urls"
WSGI_APPLICATION = "seismo_site.wsgi.application"
ASGI_APPLICATION = "seismo_site.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DB_POOL = env.integer("SEISMO_DB_POOL", 8, most=200)
DATABASES = {"default": env.database("DATABASE_URL", DATA_DIR / "seismo.sqlite3", pool=DB_POOL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("REDIS_URL")
CACHE_PREFIX = env.text("SEISMO_CACHE_PREFIX", "seismo")
CACHES: dict[str, dict[str, object]] = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": CACHE_PREFIX,
        # A cache that is slower than the work it saves is no cache.
        "OPTIONS": {
            "SOCKET_CONNECT_TIMEOUT": 1,
            "SOCKET_TIMEOUT": 1,
            "SERIALIZER": "django_redis.serializers.msgpack.MSGPackSerializer",
        },
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 10_000}}
}

# Seconds of a warm-up of the cache, after a publication and at the start of a server; 0: none.
WARM_SECONDS = env.number("SEISMO_WARM_SECONDS", 5, least=0, most=600)
# Seconds that answers are served at most, by cache policy (`caching.policies`); published ones are replaced as their
# market's generation changes.
CACHE_TTLS = {
    "published": env.integer("SEISMO_CACHE_PUBLISHED_SECONDS", 86_400, least=1),
    "page": env.integer("SEISMO_CACHE_PAGE_SECONDS", 86_400, least=1),
    "prices": env.integer("SEISMO_CACHE_PRICES_SECONDS", 30, least=1),
    "signals": env.integer("SEISMO_CACHE_SIGNALS_SECONDS", 600, least=1),
    "instruments": env.integer("SEISMO_CACHE_INSTRUMENTS_SECONDS", 3_600, least=1),
}
CACHE_LEAST_RATIO = env.number("SEISMO_CACHE_LEAST_RATIO", 80, most=100) / 100
CACHE_MOST_MB = env.integer("SEISMO_CACHE_MOST_MB", 500, least=1)

# The queues: in the database by default, on Redis where there is one. `retry` must exceed `timeout`, or a
# task that still runs would be handed out again. Workers are no daemons, so that they may have a process pool.
TASK_QUEUES = {"high": f"{CACHE_PREFIX}-high", "low": CACHE_PREFIX}
TASK_WORKERS = {
    "high": env.integer("SEISMO_TASK_WORKERS_HIGH", 1, least=1, most=64),
    "low": env.integer("SEISMO_TASK_WORKERS", 1, least=1, most=64),
}
TASK_KINDS = task_kinds.KINDS
TASK_TIMEOUT = env.integer("SEISMO_TASK_TIMEOUT", 3600, least=60)
Q_CLUSTER: dict[str, object] = {
    "name": CACHE_PREFIX,
    "workers": TASK_WORKERS["low"],
    "daemonize_workers": False,
    "queue_limit": 1,
    "timeout": TASK_TIMEOUT,
    "retry": TASK_TIMEOUT + 120,
    "ack_failures": True,
    # Each task that ends reads all rows that are kept here; those of its own record stay for 35 days.
    "save_limit": 100,
    "catch_up": False,
    **({"redis": database_urls.redis_url_with_timeouts(REDIS_URL)} if REDIS_URL else {"orm": "default"}),
}

# Logins: so many failures in a row of one user at one address lock that user out there for a while.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "seismo_site.user_backend.UserBackend"]
AXES_FAILURE_LIMIT = env.integer("SEISMO_LOGIN_FAILURES", 5, least=1)
AXES_COOLOFF_TIME = timedelta(minutes=env.integer("SEISMO_LOGIN_LOCK_MINUTES", 15, least=1))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "seismo_site.logins.address"
AXES_LOCKOUT_CALLABLE = "seismo_site.logins.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

# The first user, whom `manage.py first_user` creates; without them it prints a link.
ADMIN_EMAIL = env.mailbox("SEISMO_ADMIN_EMAIL")
ADMIN_PASSWORD = env.credential("SEISMO_ADMIN_PASSWORD")
if bool(ADMIN_EMAIL) != bool(ADMIN_PASSWORD):
    raise ImproperlyConfigured("SEISMO_ADMIN_EMAIL and SEISMO_ADMIN_PASSWORD belong together: set both, or neither.")

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGES = [("en", "English"), ("ko", "한국어")]
LOCALE_PATHS = [BASE_DIR / "seismo_site" / "locale"]
# The Korean of recorded failures, by room; those of scans first, since they quote those of the record.
FAILURE_SENTENCES = ["scans.wording.failure_sentences.SENTENCES", "marketdata.failure_sentences.SENTENCES"]
USE_TZ = True
FORMAT_MODULE_PATH = "seismo_site.formats"  # dates in pages as 2026-08-21

LOGIN_URL = "pages:login"
LOGIN_REDIRECT_URL = "pages:home"

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
ASSETS = BASE_DIR / "var" / "assets"
STATICFILES_DIRS = [("vendor", ASSETS)] if ASSETS.is_dir() else []
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "seismo_site.static_files.StaticFiles"},
}

# Behind TLS (the default outside DEBUG is to expect it only if it is set: a laptop serves plain HTTP).
HTTPS = env.flag("SEISMO_HTTPS", default=False)
SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_SECURE = HTTPS
SESSION_ENGINE = "seismo_site.sessions"
CSRF_COOKIE_SECURE = HTTPS
HSTS_SECONDS = env.integer("SEISMO_HSTS_SECONDS", 31_536_000)
SECURE_HSTS_SECONDS = HSTS_SECONDS if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("SEISMO_BEHIND_PROXY", default=False) else None
)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Browsers on pages of other origins: the API alone, by token (no cookie of theirs is looked at), and only where named.
CORS_ALLOWED_ORIGINS = list(env.origins("SEISMO_CORS_ORIGINS"))
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = (
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-modified-since",
    "if-none-match",
    "x-request-id",
)
CORS_EXPOSE_HEADERS = ("Content-Disposition", "ETag", "Link", "Location", "Retry-After", "X-Request-ID")

# The API. Who may read without a user, and how many requests a minute.
ANONYMOUS_READS = env.flag("SEISMO_ANONYMOUS_READS", default=DEBUG)
USER_RATE = env.integer("SEISMO_USER_RATE", 600, least=1)
ANONYMOUS_RATE = env.integer("SEISMO_ANONYMOUS_RATE", 60, least=1)
# Whose address counts: the connection's, or what the one proxy in front wrote.
REST_FRAMEWORK = rest.rest_framework_settings(proxies=1 if SECURE_PROXY_SSL_HEADER else 0)
SPECTACULAR_SETTINGS = rest.SCHEMA

# Seismo's own.
LAKE_DIR: Path | str = env.place("SEISMO_LAKE_DIR", DATA_DIR / "lake")
# Whether the database has no bars, only what describes the lake (`seismo_site.aws_lambda`).
LAKE_ONLY = False
CALENDAR_DIR = DATA_DIR / "calendars"
REJECT_DIR = DATA_DIR / "rejects"
SOURCE_ORDER = env.words("SEISMO_SOURCE_ORDER", ("krx", "kis", "marcap"))

# Sources that are called over the network: the options each is made of (`marketdata.sources.registry`), where "" and 0
# stand for the source's own.
TOKEN_DIR = DATA_DIR / "tokens"
PACE_FILE = DATA_DIR / "paces.sqlite3"
KIS_ENVIRONMENTS = ("real", "paper")
SOURCES: dict[str, dict[str, object]] = {
    "kis": {
        "environment": env.choice("KIS_ENVIRONMENT", "real", KIS_ENVIRONMENTS),
        "app_key": env.credential("KIS_APP_KEY"),
        "app_secret": env.credential("KIS_APP_SECRET"),
        "base_url": env.text("KIS_HOST"),
        "master_url": env.text("KIS_MASTER_HOST"),
        "per_second": env.number("KIS_PER_SECOND", 0),
        "token_every": env.number("KIS_TOKEN_SECONDS", 61, least=0.001),
        "bars_a_call": env.integer("KIS_BARS_A_CALL", 100, least=1),
        "quotes_a_call": env.integer("KIS_QUOTES_A_CALL", 30, least=1),
        "same_day_minutes": env.integer("KIS_SAME_DAY_MINUTES", 30, most=30),
        "compare_adjusted": env.flag("KIS_US_COMPARE", default=True),
        "kinds_by_form": env.flag("KIS_US_KINDS", default=True),
    },
    "krx": {
        "api_key": env.credential("KRX_API_KEY"),
        "segments": env.words("KRX_SEGMENTS", ("KOSPI", "KOSDAQ")),
        "base_url": env.text("KRX_HOST"),
        "per_second": env.number("KRX_PER_SECOND", 0),
        "calls_a_day": env.integer("KRX_CALLS_A_DAY", 0),
    },
    "yfinance": {
        "enabled": env.flag("YFINANCE_ENABLED", default=False),
        "symbols": env.words("YFINANCE_SYMBOLS", ()),
        "compare": env.flag("YFINANCE_COMPARE", default=True),
        "base_url": env.text("YFINANCE_HOST"),
        "per_second": env.number("YFINANCE_PER_SECOND", 0),
    },
    "upbit": {"base_url": env.text("UPBIT_HOST"), "per_second": env.number("UPBIT_PER_SECOND", 0)},
    "bithumb": {"base_url": env.text("BITHUMB_HOST"), "per_second": env.number("BITHUMB_PER_SECOND", 0)},
}
SOURCES["kis-us"] = SOURCES["kis"]  # one application has both
SOURCE_TIMEOUT = env.number("SEISMO_SOURCE_TIMEOUT", 10, least=0.1)
SOURCE_ATTEMPTS = env.integer("SEISMO_SOURCE_ATTEMPTS", 40, least=1, most=1000)
SOURCE_PATIENCE = env.number("SEISMO_SOURCE_PATIENCE", 90, least=1)
COLLECT_OVERLAP = env.integer("SEISMO_COLLECT_OVERLAP", 5, most=90)
COLLECT_CHECK = env.integer("SEISMO_COLLECT_CHECK", 20, most=1000)
COLLECT_PARTS = env.integer("SEISMO_COLLECT_PARTS", 1, least=1, most=64)
COLLECT_HISTORY = env.integer("SEISMO_COLLECT_HISTORY", 750, least=1, most=10_000)

# Scans.
EXECUTORS = ("auto", "inline", "process", "thread", "dask")
SCAN_EXECUTOR = env.choice("SEISMO_SCAN_EXECUTOR", "auto", EXECUTORS)
DASK_SCHEDULER = env.text("SEISMO_DASK_SCHEDULER")
EVENING_PARALLEL = env.flag("SEISMO_EVENING_PARALLEL", default=False)
CANDLE_MEMORY_EVERY = env.integer("SEISMO_CANDLE_MEMORY_EVERY", 10, least=0, most=1_000_000)
CANDLE_EVENTS_URL = env.webhook_url("SEISMO_CANDLE_EVENTS_URL")
CANDLE_EVENTS_SECRET = env.credential("SEISMO_CANDLE_EVENTS_SECRET")
CANDLE_CACHE_BYTES = env.integer("SEISMO_CANDLE_CACHE_MB", 64, least=1, most=16_384) * 2**20
SCORE_CACHE = env.cache_place("SEISMO_SCORE_CACHE", DATA_DIR / "scores")
PRECLOSE_DAYS = env.integer("SEISMO_PRECLOSE_DAYS", 365, least=1, most=36_500)
SCORE_CACHE_BYTES = env.integer("SEISMO_SCORE_CACHE_MB", 256, least=1) * 2**20
SCAN_WORKERS = env.integer("SEISMO_SCAN_WORKERS", 0, most=256)
REVISION = env.text("SEISMO_REVISION")
# The fee of one side of a trade, in percent of its price, by market.
TRADING_FEES = {
    "kr": env.number("SEISMO_FEE_KR", 0.015, most=10),
    "us": env.number("SEISMO_FEE_US", 0, most=10),
    "upbit": env.number("SEISMO_FEE_UPBIT", 0.05, most=10),
    "bithumb": env.number("SEISMO_FEE_BITHUMB", 0.25, most=10),
}

# The server that writes narratives beside analyses; none where no address is given.
NARRATIVE_URL = env.address("SEISMO_NARRATIVE_URL")
NARRATIVE_MODEL = env.text("SEISMO_NARRATIVE_MODEL")
NARRATIVE_KEY = env.credential("SEISMO_NARRATIVE_KEY")
NARRATIVE_SECONDS = env.number("SEISMO_NARRATIVE_SECONDS", 10, least=0.1, most=60)
if NARRATIVE_URL and not NARRATIVE_MODEL:
    raise ImproperlyConfigured(
        "SEISMO_NARRATIVE_URL is set, but SEISMO_NARRATIVE_MODEL is not: name the model, or unset the address."
    )

# Where each worker of the web server counts for Prometheus, whose library looks for it in the environment when it is
# loaded: one directory a host, since processes are identified by their numbers.
METRICS_DIR = env.prometheus_directory(DATA_DIR / "metrics" / socket.gethostname())

# The channels that report each evening; none by default.
NOTIFY_URL = env.webhook_url("SEISMO_NOTIFY_URL")
NOTIFY_SECRET = env.credential("SEISMO_NOTIFY_SECRET")
NOTIFY_EMAIL = list(env.mailboxes("SEISMO_NOTIFY_EMAIL"))
NOTIFY_APPRISE = env.service_urls("SEISMO_NOTIFY_APPRISE")
SERVICE_DIR = DATA_DIR / "services"
NOTIFY_LANGUAGE = env.choice("SEISMO_NOTIFY_LANGUAGE", "en", ("en", "ko"))
# Whether the morning reports lists that settled bars changed.
NOTIFY_SETTLED = env.flag("SEISMO_NOTIFY_SETTLED", default=True)
# Hosts that readers' own channels may name besides the public services.
NOTIFY_HOSTS = tuple(host.lower() for host in env.words("SEISMO_NOTIFY_HOSTS"))
# Where the pages are, for the link in messages; the monitor that gets a request after each evening.
PUBLIC_URL = env.address("SEISMO_PUBLIC_URL")
PING_URL = env.webhook_url("SEISMO_PING_URL")
NOTIFY_SECONDS = env.number("SEISMO_NOTIFY_SECONDS", 10, least=0.1, most=60)
EMAIL_HOST = env.text("SEISMO_EMAIL_HOST")
EMAIL_PORT = env.integer("SEISMO_EMAIL_PORT", 587, least=1, most=65_535)
EMAIL_HOST_USER = env.text("SEISMO_EMAIL_USER")
EMAIL_HOST_PASSWORD = env.credential("SEISMO_EMAIL_PASSWORD")
EMAIL_SECURITY = env.choice("SEISMO_EMAIL_SECURITY", "starttls", ("starttls", "tls", "none"))
EMAIL_USE_TLS, EMAIL_USE_SSL = EMAIL_SECURITY == "starttls", EMAIL_SECURITY == "tls"
EMAIL_TIMEOUT = NOTIFY_SECONDS
DEFAULT_FROM_EMAIL = env.text("SEISMO_EMAIL_FROM", "seismo@localhost")
if NOTIFY_EMAIL and not EMAIL_HOST:
    raise ImproperlyConfigured(
        "SEISMO_NOTIFY_EMAIL is set, but SEISMO_EMAIL_HOST is not: name the mail server, or unset the addresses."
    )

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOGGING = logging.logging_config(
    env.choice("SEISMO_LOG_LEVEL", "WARNING", LOG_LEVELS),
    access=env.flag("SEISMO_ACCESS_LOG", default=False),
    form=env.choice("SEISMO_LOG_FORMAT", "line", logging.FORMATS),
)
SQL_COMMENTS = env.flag("SEISMO_SQL_COMMENTS", default=False)
# OpenTelemetry traces over OTLP/HTTP; without an address nothing of them is imported.
TRACES = env.address("SEISMO_TRACES")
TRACES_SHARE = env.number("SEISMO_TRACES_PERCENT", 100, most=100) / 100
if TRACES:
    env.library("SEISMO_TRACES", "opentelemetry.exporter.otlp.proto.http", "requirements/tracing.txt")
    MIDDLEWARE.insert(1, "seismo_site.tracing.middleware.TraceMiddleware")

# Variables that look like settings and are none; SEISMO_SHARED_DATA says where the tests' recorded data lie.
NO_SETTINGS = ("SEISMO_SHARED_DATA",)
UNKNOWN_SETTINGS = env.unknown_settings(NO_SETTINGS)
