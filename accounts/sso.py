"""Single sign-on over OpenID Connect, by settings only: one provider, or none.

Whom the provider names is a person of ours by its own id for them (`sub`) and by nothing else. An
e-mail address signs nobody in, so an account here is never taken over by whoever controls an
address there: its owner connects it, signed in.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
from typing import Any, Final
from urllib.parse import urlsplit

from allauth.account.utils import filter_users_by_email
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.openid_connect import views as openid
from django.conf import settings
from django.core.checks import Error, register
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from requests import RequestException

logger = logging.getLogger(__name__)

PROVIDER: Final = "openid_connect"
PROVIDER_ID: Final = "sso"
ISSUER_CHARS: Final = 16  # of the issuer's hash, before each person's id


class SsoAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Knows the provider of the settings, and whom of its people to let in."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """The database is not asked: nobody adds a provider in the admin."""
        fits = provider in (None, PROVIDER, PROVIDER_ID)
        if not settings.OIDC_ISSUER or not fits or client_id not in (None, settings.OIDC_CLIENT_ID):
            return []
        return [
            SocialApp(
                provider=PROVIDER,
                provider_id=PROVIDER_ID,
                name=settings.OIDC_NAME,
                client_id=settings.OIDC_CLIENT_ID,
                secret=settings.OIDC_CLIENT_SECRET,
                settings={"server_url": issuer(), "oauth_pkce_enabled": True},
            )
        ]

    def new_user(self, request: HttpRequest, sociallogin: Any) -> Any:
        """Before anybody is looked up: an id is worth something only beside who gave it."""
        digest = hashlib.sha256(issuer().encode()).hexdigest()[:ISSUER_CHARS]
        account = sociallogin.account
        account.uid = f"{digest}:{hashlib.sha256(account.uid.encode()).hexdigest()}"
        return super().new_user(request, sociallogin)

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        _keep_verified_addresses(sociallogin)
        connecting = sociallogin.state.get("process") == AuthProcess.CONNECT
        if connecting or sociallogin.is_existing or may_join(sociallogin):
            return
        page = render(
            request, "socialaccount/not_connected.html", {"name": settings.OIDC_NAME}, status=403
        )
        raise ImmediateHttpResponse(page)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Asked after `pre_social_login`, and by the form of a sign-up that we never show."""
        return may_join(sociallogin)


def issuer() -> str:
    return str(settings.OIDC_ISSUER).rstrip("/")


def may_join(sociallogin: Any) -> bool:
    """Whether an account may be made of what the provider told.

    Not where somebody here has the address: that is for its owner to connect. With OIDC_DOMAINS, a
    verified address in one of them is demanded.
    """
    if not settings.OIDC_SIGNUP:
        return False
    addresses = [it.email for it in sociallogin.email_addresses]
    if any(filter_users_by_email(address) for address in addresses):
        return False
    domains = {it.lower() for it in settings.OIDC_DOMAINS}
    return not domains or any(it.rpartition("@")[2].lower() in domains for it in addresses)


def _keep_verified_addresses(sociallogin: Any) -> None:
    """What the provider does not vouch for is no address of theirs. Some write "false" for no."""
    kept = []
    for address in sociallogin.email_addresses:
        address.verified = str(address.verified).lower() == "true"
        if address.verified:
            kept.append(address)
    sociallogin.email_addresses = kept
    if not sociallogin.is_existing:
        sociallogin.user.email = kept[0].email if kept else ""


@never_cache
def begin(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send the browser to the provider, by a page of ours that goes on by itself.

    A redirect would be held to the form's `form-action`, and so would each further one of a
    provider that asks another.
    """
    try:
        answer: HttpResponse = openid.login(request, provider_id)
    except (RequestException, LookupError, TypeError, ValueError) as error:
        return _unavailable(request, error)
    if isinstance(answer, HttpResponseRedirect) and urlsplit(answer.url).netloc:
        there = {"address": answer.url, "name": settings.OIDC_NAME}
        return render(request, "socialaccount/on_the_way.html", there)
    return answer


@never_cache
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """The browser comes back with what the provider told."""
    try:
        answer: HttpResponse = openid.callback(request, provider_id)
    except (RequestException, LookupError, TypeError, ValueError) as error:
        return _unavailable(request, error)
    return answer


def _unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    """The provider is away or tells what is no OpenID Connect; its words stay out of the log."""
    logger.warning("Single sign-on failed: %s", type(error).__name__)
    return render(request, "socialaccount/authentication_error.html", {}, status=502)


@register()
def provider_is_whole(**_: Any) -> list[Error]:
    """`manage.py check`: what would fail with the first person who signs in, or be overheard."""
    if not settings.OIDC_ISSUER:
        return []
    problems = []
    if not settings.OIDC_CLIENT_ID or not settings.OIDC_CLIENT_SECRET:
        problems.append("OIDC_ISSUER is set without OIDC_CLIENT_ID and OIDC_CLIENT_SECRET.")
    address = urlsplit(issuer())
    if address.scheme != "https" and not _is_here(address.hostname or ""):
        problems.append("OIDC_ISSUER is not https: anybody on the way could say who signs in.")
    return [Error(problem, id="accounts.E001") for problem in problems]


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
