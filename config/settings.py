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
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
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
    "config.limits.within_limits",  # before what reads the form
    "config.middleware.without_nul",  # after htmx: how a form too large is refused depends on it
    "allauth.account.middleware.AccountMiddleware",
    "accounts.visits.note_visits",
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
    DATABASE["OPTIONS"] = {
        "pool": {"min_size": 2, "max_size": 16, "timeout": 10},
        "options": "-c work_mem=32MB",  # sums of usage are hashed in memory, not sorted on disk
    }
REDIS_URL = env.str("REDIS_URL", default="")  # set: many processes, see docs/architecture.md
CACHES: dict[str, dict[str, Any]] = {  # of what is counted: tries, requests, used codes
    "default": {
        "BACKEND": "config.cache.SharedCache"
        if REDIS_URL
        else "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "switchboard",
        "OPTIONS": {"MAX_ENTRIES": 100_000},  # of one process's memory; beyond, counts would go
    }
}

ATTACHMENT_DIR = env.str("ATTACHMENT_DIR", default=str(VAR_DIR / "attachments"))

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
MERMAID_DIR = BASE_DIR / "node_modules/@mermaid-js/tiny/dist"  # from npm: chat/diagrams.py
STATICFILES_DIRS = [
    BASE_DIR / "static",
    *([("mermaid", MERMAID_DIR)] if MERMAID_DIR.is_dir() else []),
]
SERVESTATIC_ADD_HEADERS_FUNCTION = add_headers
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.bundles.BundlingStorage"},
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
SIGN_UP = env.str("SIGN_UP", default="off", choices=["off", "invitation", "open"])
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = env.str(  # of those who sign up by themselves
    "EMAIL_VERIFICATION",
    default="mandatory" if SIGN_UP == "open" else "none",
    choices=["mandatory", "optional", "none"],
)
INVITATION_DAYS = env.int("INVITATION_DAYS", default=7)  # that one lasts, unless told otherwise
ACCOUNT_CHANGE_EMAIL = True  # one address, replaced when the new one is confirmed
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a mail about each change of password, address or factors
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Switchboard] "
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))  # EMAIL_BACKEND and its options
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL", default="Switchboard <switchboard@localhost>"
)

# --- The second step, and changes of an account ---
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # for addresses, second factors and connections
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300  # seconds for which one need not show again who one is
USERSESSIONS_ADAPTER = "accounts.audit_sessions.SessionsAdapter"
MFA_ADAPTER = "accounts.second_factor.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "accounts.second_factor.CodeForm",
    "reauthenticate": "accounts.second_factor.CodeAgainForm",
    "login_webauthn": "accounts.second_factor.PasskeyLoginForm",
    "authenticate_webauthn": "accounts.second_factor.PasskeyStepForm",
    "reauthenticate_webauthn": "accounts.second_factor.PasskeyAgainForm",
    "add_webauthn": "accounts.second_factor.PasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Switchboard"
MFA_TOTP_TOLERANCE = 1  # steps of 30 s that a telephone's clock may be off
MFA_ALLOW_UNVERIFIED_EMAIL = True  # who makes an account safer need not wait for a mail
KEYS_ALSO_ROTATED = ["accounts.second_factor.rotate"]  # by `manage.py rotate_keys`

# --- Single sign-on ---
OIDC_ISSUER = env.str("OIDC_ISSUER", default="")
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", default="")
OIDC_NAME = env.str("OIDC_NAME", default="") or "single sign-on"
OIDC_SIGNUP = env.bool("OIDC_SIGNUP", default=False)
OIDC_DOMAINS = env.list("OIDC_DOMAINS", default=[])
SOCIALACCOUNT_ADAPTER = "accounts.sso.SsoAdapter"
SOCIALACCOUNT_EMAIL_REQUIRED = False
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"  # the provider vouches, or the address is not taken

# --- What a browser may do with our pages ---
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],  # the one frame there is: chat/diagrams.py
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS and env.bool("HSTS_SUBDOMAINS", default=True)
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # browsers' preload list is for who owns the domain
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None

# --- OpenRouter ---
OPENROUTER_CLIENT = "config.upstream.make_client"  # apps import it by this name, not by module
BILLING_ON_SETTLED = "chat.settlement.attach_bill"  # told, in its transaction, of each late entry
CATALOGUE_ON_SYNCED = "billing.pricebook.store_prices"  # told, in its transaction, of each list
ROUTING_LIVE_SOURCE = "config.live.calls_since"  # what own calls tell of models; "": nothing
ROUTING_HISTORY = "chat.history.past_turns"  # tells `manage.py replay` what was asked and answered
AUDIT_LOG = "accounts.audit.note"  # told, in its transaction, of what the audit log keeps
OPENROUTER_API_KEY = env.str("OPENROUTER_API_KEY", default="")
OPENROUTER_MANAGEMENT_CLIENT = "config.upstream.make_management_client"
OPENROUTER_MANAGEMENT_KEY = env.str("OPENROUTER_MANAGEMENT_KEY", default="")
EMULATE_WITHOUT_KEY = env.bool("EMULATE_WITHOUT_KEY", default=True)
OPENROUTER_BASE_URL = env.str("OPENROUTER_BASE_URL", default="https://openrouter.ai/api/v1")
OPENROUTER_APP_URL = env.str("OPENROUTER_APP_URL", default="http://localhost:8000")
SITE_URL = (env.str("SITE_URL", default="") or OPENROUTER_APP_URL).rstrip("/")  # for commands
OPENROUTER_APP_TITLE = env.str("OPENROUTER_APP_TITLE", default="Switchboard")
OPENROUTER_CONNECT_TIMEOUT_S = env.float("OPENROUTER_CONNECT_TIMEOUT_S", default=10)
OPENROUTER_FIRST_BYTE_TIMEOUT_S = env.float("OPENROUTER_FIRST_BYTE_TIMEOUT_S", default=120)
OPENROUTER_IDLE_TIMEOUT_S = env.float("OPENROUTER_IDLE_TIMEOUT_S", default=120)
EMULATOR_TOKENS_PER_S = env.float("EMULATOR_TOKENS_PER_S", default=60)
EMULATOR_FIRST_TOKEN_S = env.float("EMULATOR_FIRST_TOKEN_S", default=0.4)

# --- Keys ---
KEY_ENCRYPTION_KEYS = env.list("KEY_ENCRYPTION_KEYS", default=[])  # the first encrypts
OWN_KEYS = env.bool("OWN_KEYS", default=True)
PER_USER_KEYS = env.bool("PER_USER_KEYS", default=False)
PER_USER_KEY_MARGIN_PERCENT = env.int("PER_USER_KEY_MARGIN_PERCENT", default=10)

SHOW_MONEY = env.bool("SHOW_MONEY", default=True)

# --- Limits ---
MAX_PROMPT_CHARS = env.int("MAX_PROMPT_CHARS", default=400_000)
MAX_CONVERSATION_MESSAGES = env.int("MAX_CONVERSATION_MESSAGES", default=2_000)
MAX_REQUESTS_PER_MINUTE = env.int("MAX_REQUESTS_PER_MINUTE", default=300)
MAX_REQUESTS_PER_MINUTE_ADDRESS = env.int("MAX_REQUESTS_PER_MINUTE_ADDRESS", default=600)
MAX_ATTACHMENTS = env.int("MAX_ATTACHMENTS", default=8)
MAX_ATTACHMENT_MB = env.int("MAX_ATTACHMENT_MB", default=10)
MAX_ATTACHMENTS_MB_PER_USER = env.int("MAX_ATTACHMENTS_MB_PER_USER", default=500)
ATTACHMENTS_UNSENT_HOURS = env.int("ATTACHMENTS_UNSENT_HOURS", default=24)
MAX_STREAMS = env.int("MAX_STREAMS", default=1000)
MAX_STREAMS_PER_USER = env.int("MAX_STREAMS_PER_USER", default=8)
DRAIN_S = env.float("DRAIN_S", default=30)
MAX_COMPLETION_TOKENS = env.int("MAX_COMPLETION_TOKENS", default=8192)
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * MAX_PROMPT_CHARS + 100_000  # four bytes a character, and the form

# --- Conversations ---
DELETED_KEPT_MINUTES = env.int("DELETED_KEPT_MINUTES", default=60)
TITLES = env.str("TITLES", default="") or ("model" if OPENROUTER_API_KEY and not DEMO else "prompt")
CASCADE = env.bool("CASCADE", default=False)
TITLE_MODEL = env.str("TITLE_MODEL", default="")
MAX_IMPORT_MB = env.int("MAX_IMPORT_MB", default=25)
RETENTION_DAYS = env.int("RETENTION_DAYS", default=0)  # after its last message; 0: kept for ever
ADMIN_READS_CHATS = env.bool("ADMIN_READS_CHATS", default=False)  # who has the permission for it
AUDIT_ADDRESS_DAYS = env.int("AUDIT_ADDRESS_DAYS", default=180)  # 0: kept for ever

# --- Watching it ---
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
LOG_FORMAT = env.str("LOG_FORMAT", default="line")
TELEMETRY = env.bool("TELEMETRY", default=False)
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
