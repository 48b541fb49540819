from django.urls import path

from billing import key_views

app_name = "keys"
urlpatterns = [
    path("", key_views.page, name="page"),
    path("connect/", key_views.connect, name="connect"),
    path("callback/", key_views.callback, name="callback"),
    path("disconnect/", key_views.disconnect, name="disconnect"),
]
