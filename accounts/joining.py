"""The page that an invitation's link opens: a sign-up form that works once."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import SignupForm
from allauth.account.views import SignupView
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from accounts.invitations import CannotUse, claim, find, welcome
from accounts.models import Invitation


class JoinForm(SignupForm):  # type: ignore[misc]
    """allauth's own, with the address that the invitation is for."""

    def __init__(self, *args: Any, invitation: Invitation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invitation = invitation
        if invitation.email:
            self.fields["email"].initial = invitation.email
            self.fields["email"].help_text = "The invitation is for this address."

    def clean_email(self) -> str:
        typed = str(super().clean_email())
        meant = self.invitation.email
        if meant and typed.casefold() != meant.casefold():
            raise ValidationError(
                "This invitation is for another address. Use the one that it was sent to, or ask "
                "for an invitation for this one."
            )
        return typed


class JoinView(SignupView):  # type: ignore[misc]
    template_name = "account/invitation.html"
    invitation: Invitation

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.user.is_authenticated:
            return refused(
                request,
                CannotUse(
                    "You are signed in, and an invitation is for a new account. Sign out first to "
                    "use it.",
                    409,
                ),
            )
        try:
            self.invitation = find(kwargs["token"])
        except CannotUse as error:
            return refused(request, error)
        request.invitation = self.invitation  # type: ignore[attr-defined]
        return super().dispatch(request, *args, **kwargs)

    def get_form_class(self) -> type[JoinForm]:
        return JoinForm

    def get_form_kwargs(self) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_form_kwargs()
        return kwargs | {"invitation": self.invitation}

    def form_valid(self, form: JoinForm) -> Any:
        """The account and the use of the invitation: both, or neither."""
        try:
            with transaction.atomic():
                claim(self.invitation)
                if self.invitation.was_mailed:  # who has the link reads this address
                    get_adapter().stash_verified_email(self.request, self.invitation.email)
                response = super().form_valid(form)
                if self.user is None:  # no account was made, and nobody is told why
                    transaction.set_rollback(True)
                else:
                    welcome(self.invitation, self.user)
        except CannotUse as error:
            return refused(self.request, error)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"invitation": self.invitation}


def refused(request: HttpRequest, error: CannotUse) -> HttpResponse:
    context = {"problem": error.for_person}
    return render(request, "account/invitation_ended.html", context, status=error.status)


join = never_cache(JoinView.as_view())
