"""The page "Your account": what there is, how it is set, and where to change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.sessions import living

if TYPE_CHECKING:
    from accounts.models import User

Kind = Authenticator.Type


@login_required
@require_safe
@never_cache
def overview(request: HttpRequest) -> HttpResponse:
    person = cast("User", request.user)
    return render(
        request,
        "account/overview.html",
        {
            "address": EmailAddress.objects.filter(user=person, email__iexact=person.email).first(),
            "steps": steps_of(person),
            "session_count": len(living(request)),
            "sso_name": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
            "sso_is_connected": SocialAccount.objects.filter(user=person).exists(),
        },
    )


def steps_of(person: User) -> dict[str, Any]:
    """`app`: an authenticator app is set up; `passkeys`: names; `codes`: recovery codes left."""
    found = list(Authenticator.objects.filter(user=person))
    codes = [it.wrap().get_unused_codes() for it in found if it.type == Kind.RECOVERY_CODES]
    return {
        "app": any(it.type == Kind.TOTP for it in found),
        "passkeys": [it.wrap().name for it in found if it.type == Kind.WEBAUTHN],
        "codes": len(codes[0]) if codes else None,
    }
