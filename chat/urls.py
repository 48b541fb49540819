from django.urls import path

from chat import views

app_name = "chat"
urlpatterns = [
    path("", views.home, name="home"),
    path("c/<uuid:pk>/", views.conversation, name="conversation"),
    path("models/", views.models, name="models"),
    path("send/", views.send_prompt, name="send"),
    path("c/<uuid:pk>/send/", views.send_prompt, name="send_to"),
    path("m/<int:pk>/stop/", views.stop_reply, name="stop"),
    path("m/<int:pk>/retry/", views.retry_reply, name="retry"),
]
