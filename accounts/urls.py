"""What is ours under accounts/. The rest is allauth's; where both have a path, ours is first."""

from django.urls import path

from accounts import overview, passkeys, sessions, sso

urlpatterns = [
    path("", overview.overview, name="account_overview"),
    path("sessions/", sessions.sessions, name="account_sessions"),
    path("sessions/end-others/", sessions.end_others, name="account_end_other_sessions"),
    path("sessions/<int:pk>/end/", sessions.end_session, name="account_end_session"),
    path("2fa/webauthn/keys/<int:pk>/edit/", passkeys.edit, name="account_edit_passkey"),
    path("2fa/webauthn/keys/<int:pk>/remove/", passkeys.remove, name="account_remove_passkey"),
    path("oidc/<str:provider_id>/login/", sso.begin, name="sso_begin"),
    path("oidc/<str:provider_id>/login/callback/", sso.callback, name="sso_callback"),
]
