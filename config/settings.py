"""Every setting, and the only reader of the environment (see .env.example)."""

from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF

from config.static import add_headers

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
VAR_DIR.mkdir(exist_ok=True)

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

# --- Who we are ---
SECRET_KEY = env.str("SECRET_KEY")
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)
HTTPS = env.bool("HTTPS", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", default=0)

INSTALLED_APPS = [
    "daphne",  # before staticfiles, so that runserver speaks WebSocket
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "servestatic.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "allauth",
    "allauth.account",
    "csp",
    "config",
    "accounts",
    "billing",
    "routing",
    "chat",
]
MIDDLEWARE = [
    "servestatic.middleware.ServeStaticMiddleware",  # first: the only one that is asynchronous
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.installation",
            ],
        },
    },
]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

# --- Where it keeps things ---
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR}/switchboard.sqlite3")
}
DATABASE = DATABASES["default"]
DATABASE["CONN_MAX_AGE"] = 0  # whoever has threads that last keeps theirs open: chat/database.py
if DATABASE["ENGINE"].endswith("sqlite3"):
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,  # seconds: many threads share one writer, and waiting beats failing
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    DATABASE["TEST"] = {
        "NAME": VAR_DIR / "test.sqlite3"
    }  # a file: threads share no memory database
elif DATABASE["ENGINE"].endswith("postgresql"):
    DATABASE["CONN_HEALTH_CHECKS"] = True  # after a restart the pool would hand out dead ones
    DATABASE["OPTIONS"] = {"pool": {"min_size": 2, "max_size": 16, "timeout": 10}}
REDIS_URL = env.str("REDIS_URL", default="")  # set: many processes, see docs/architecture.md

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
SERVESTATIC_ADD_HEADERS_FUNCTION = add_headers
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"},
}

# --- Signing in ---
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "chat:home"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

# --- What a browser may do with our pages ---
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None

# --- OpenRouter ---
OPENROUTER_CLIENT = "config.upstream.make_client"  # apps import it by this name, not by module
BILLING_ON_SETTLED = "chat.settlement.attach_bill"  # told, in its transaction, of each late entry
OPENROUTER_API_KEY = env.str("OPENROUTER_API_KEY", default="")
OPENROUTER_MANAGEMENT_CLIENT = "config.upstream.make_management_client"
OPENROUTER_MANAGEMENT_KEY = env.str("OPENROUTER_MANAGEMENT_KEY", default="")
OPENROUTER_BASE_URL = env.str("OPENROUTER_BASE_URL", default="https://openrouter.ai/api/v1")
OPENROUTER_APP_URL = env.str("OPENROUTER_APP_URL", default="http://localhost:8000")
OPENROUTER_APP_TITLE = env.str("OPENROUTER_APP_TITLE", default="Switchboard")
OPENROUTER_CONNECT_TIMEOUT_S = env.float("OPENROUTER_CONNECT_TIMEOUT_S", default=10)
OPENROUTER_FIRST_BYTE_TIMEOUT_S = env.float("OPENROUTER_FIRST_BYTE_TIMEOUT_S", default=120)
OPENROUTER_IDLE_TIMEOUT_S = env.float("OPENROUTER_IDLE_TIMEOUT_S", default=120)
EMULATOR_TOKENS_PER_S = env.float("EMULATOR_TOKENS_PER_S", default=60)
EMULATOR_FIRST_TOKEN_S = env.float("EMULATOR_FIRST_TOKEN_S", default=0.4)

# --- Limits ---
MAX_PROMPT_CHARS = env.int("MAX_PROMPT_CHARS", default=400_000)
MAX_STREAMS = env.int("MAX_STREAMS", default=1000)
MAX_STREAMS_PER_USER = env.int("MAX_STREAMS_PER_USER", default=8)
DRAIN_S = env.float("DRAIN_S", default=30)
MAX_COMPLETION_TOKENS = env.int("MAX_COMPLETION_TOKENS", default=8192)
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * MAX_PROMPT_CHARS + 100_000  # four bytes a character, and the form

# --- Watching it ---
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
LOG_FORMAT = env.str("LOG_FORMAT", default="line")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "config.logs.JsonFormatter"},
        "line": {
            "()": "config.logs.LineFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        name: {"level": "INFO"}
        for name in ("accounts", "billing", "chat", "config", "openrouter", "routing")
    },
}
