"""Invitations, and what a person does with their data; beside accounts/urls.py."""

from django.urls import path

from accounts import data, joining

urlpatterns = [
    path("invitation/<str:token>/", joining.join, name="account_invitation"),
    path("data/", data.page, name="account_data"),
    path("data/export/", data.export, name="account_export"),
    path("data/erase/", data.erase_me, name="account_erase"),
]
