"""Addresses of the list of conversations, the library, search, links and files."""

from django.urls import path

from chat import organise_views, prompts_views, search_views, sharing_views, transfer_views

urlpatterns = [
    path("search/", search_views.search, name="search"),
    path("m/<int:pk>/", search_views.at, name="at"),
    path("sidebar/", organise_views.sidebar, name="sidebar"),
    path("library/", organise_views.library, name="library"),
    path("c/<uuid:pk>/options/", organise_views.options, name="options"),
    path("c/<uuid:pk>/rename/", organise_views.rename, name="rename"),
    path("c/<uuid:pk>/pin/", organise_views.pin, name="pin"),
    path("c/<uuid:pk>/move/", organise_views.move, name="move"),
    path("c/<uuid:pk>/archive/", organise_views.archive, name="archive"),
    path("c/<uuid:pk>/delete/", organise_views.delete, name="delete"),
    path("c/<uuid:pk>/restore/", organise_views.restore, name="restore"),
    path("folders/", organise_views.create_folder, name="create_folder"),
    path("folders/<int:pk>/rename/", organise_views.rename_folder, name="rename_folder"),
    path("folders/<int:pk>/delete/", organise_views.delete_folder, name="delete_folder"),
    path("c/<uuid:pk>/share/", sharing_views.share, name="share"),
    path("library/shared/", sharing_views.shares, name="shares"),
    path("library/shared/<int:pk>/end/", sharing_views.revoke, name="revoke_share"),
    path("library/shared/<int:pk>/forget/", sharing_views.forget, name="forget_share"),
    path("s/<str:token>/", sharing_views.shared, name="shared"),
    path("s/<str:token>/<str:key>/", sharing_views.shared_picture, name="shared_picture"),
    path("c/<uuid:pk>/export.md", transfer_views.export_one, {"suffix": "md"}, name="markdown"),
    path("c/<uuid:pk>/export.json", transfer_views.export_one, {"suffix": "json"}, name="json"),
    path("library/files/", transfer_views.files, name="files"),
    path("library/files/import/", transfer_views.bring_in, name="import"),
    path("library/files/export.json", transfer_views.export_all, name="export_all"),
    path("library/prompts/", prompts_views.prompts, name="prompts"),
    path("library/prompts/slash/", prompts_views.slash, name="slash"),
    path("library/prompts/<int:pk>/delete/", prompts_views.delete_prompt, name="delete_prompt"),
    path("library/prompts/<int:pk>/begin/", prompts_views.begin, name="begin"),
    path("c/<uuid:pk>/instructions/", prompts_views.instructions, name="instructions"),
]
