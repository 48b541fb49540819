from django.contrib import admin
from django.urls import include, path

admin.site.site_header = admin.site.site_title = "Switchboard"
admin.site.enable_nav_sidebar = False  # the ledger has many columns

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("", include("chat.urls")),
]

handler400 = "chat.views.bad_request"
