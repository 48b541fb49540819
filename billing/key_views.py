"""The page of a person's own OpenRouter account: connect, come back, disconnect."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from billing.key_connect import ConnectError, authorize_url, begin, complete
from billing.key_crypto import can_keep_keys
from billing.keys import disconnect_own, own_key
from billing.models import UsageRecord

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def may_connect() -> bool:
    return settings.OWN_KEYS and can_keep_keys()


@login_required
@require_GET
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    context = {
        "key": own_key(request.user),
        "may_connect": may_connect(),
        "is_off": not settings.OWN_KEYS,
        "spent_usd": UsageRecord.objects.of(request.user).own_key_usd(),
    }
    return let_the_form_go_there(render(request, "billing/keys.html", context))


@login_required
@require_POST
def connect(request: HttpRequest) -> HttpResponse:
    """Send the browser to OpenRouter. The address is ours to choose: nothing of it is asked for."""
    if not may_connect():
        return redirect("keys:page")
    callback = request.build_absolute_uri(reverse("keys:callback"))
    return HttpResponseRedirect(begin(request.session, _person(request), callback))


@require_GET
@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    """The browser comes back. Whatever it brings, it goes on to our page and nowhere else."""
    if request.user.is_authenticated and may_connect():
        state, code = request.GET.get("state", ""), request.GET.get("code", "")
        try:
            complete(request.session, _person(request), state=state, code=code)
        except ConnectError as error:
            messages.error(request, error.for_person)
        else:
            messages.success(request, "Your OpenRouter account is connected. It pays from now on.")
    return redirect("keys:page")


@login_required
@require_POST
def disconnect(request: HttpRequest) -> HttpResponse:
    if disconnect_own(user=_person(request)):
        messages.success(request, "Your account is disconnected, and its key is deleted here.")
    return redirect("keys:page")


def _person(request: HttpRequest) -> AbstractBaseUser:
    return cast("AbstractBaseUser", request.user)


def let_the_form_go_there(response: HttpResponse) -> HttpResponse:
    """Browsers hold a form's redirect to form-action, too: this page's may end at OpenRouter."""
    address = urlsplit(authorize_url())
    if address.netloc:
        response._csp_update = {  # type: ignore[attr-defined]  # noqa: SLF001 (django-csp's own)
            "form-action": [f"{address.scheme}://{address.netloc}"]
        }
    return response
