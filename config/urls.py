from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from config.emulated_grant import emulated_grant

admin.site.site_header = admin.site.site_title = "Switchboard"
admin.site.enable_nav_sidebar = False  # the ledger has many columns
# One door for all: its limits on guessing, and whatever else it asks, hold for the admin too.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("accounts.urls")),
    path("accounts/", include("accounts.people_urls")),
    path("accounts/", include("allauth.urls")),
    path("keys/", include("billing.key_urls")),
    path("keys/emulator/", emulated_grant, name="emulated_grant"),
    path("usage/", include("billing.usage_urls")),
    path("", include("chat.urls")),
]

handler400 = "chat.views.bad_request"
