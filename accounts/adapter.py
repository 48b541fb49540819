"""How allauth behaves here: who may sign up, and who has to confirm an address."""

from __future__ import annotations

from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.stages import EmailVerificationStage
from django.conf import settings
from django.http import HttpRequest

OFF: Final = "off"
BY_INVITATION: Final = "invitation"
OPEN: Final = "open"
ALLAUTHS_STAGE: Final = "allauth.account.stages.EmailVerificationStage"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Who signs up is decided by SIGN_UP: nobody, who was invited, or everybody."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """`invitation` is set on a request by accounts.joining alone."""
        if settings.SIGN_UP == OPEN:
            return True
        invited = getattr(request, "invitation", None) is not None
        return settings.SIGN_UP == BY_INVITATION and invited

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 (allauth's signature)
        user.has_to_confirm = settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory"
        return super().save_user(request, user, form, commit)

    def get_login_stages(self) -> list[str]:
        ours = f"{__name__}.{Confirmation.__name__}"
        return [ours if it == ALLAUTHS_STAGE else it for it in super().get_login_stages()]


class Confirmation(EmailVerificationStage):  # type: ignore[misc]
    """Asked of who signed up by themselves: an administrator vouches for whom they made."""

    def handle(self) -> Any:
        user = self.login.user
        if user is not None and not user.has_to_confirm:
            return None, True
        return super().handle()
