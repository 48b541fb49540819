"""A person's own passkeys: another's do not exist, whether or not one has shown who one is."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import views
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

View = Callable[..., HttpResponse]


def own(view: View) -> View:
    """allauth asks who it is before it looks whose it is, and so tells which ids there are."""

    @login_required
    @wraps(view)
    def answer(request: HttpRequest, pk: int) -> HttpResponse:
        kind = Authenticator.Type.WEBAUTHN
        get_object_or_404(Authenticator, pk=pk, user=request.user, type=kind)
        return view(request, pk=pk)

    return answer


edit = own(views.edit_webauthn)
remove = own(views.remove_webauthn)
