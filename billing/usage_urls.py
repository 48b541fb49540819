from django.urls import path

from billing import usage_views

app_name = "usage"
urlpatterns = [path("", usage_views.own_usage, name="own")]
