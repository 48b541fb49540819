"""The list of conversations, and what is done to one: pin, rename, move, archive, delete.

With htmx each command answers with the list drawn anew; without, with a page that shows it done.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from chat import organise
from chat.models import Conversation, Folder
from chat.organise import CannotKeep, sidebar_of
from chat.views import page_of, person

PER_PAGE = 50


# --- What is shown


@login_required
@never_cache
@require_GET
def sidebar(request: HttpRequest) -> HttpResponse:
    """The list as it is now: `shown` conversations of it, the one at `open` marked."""
    shown = request.GET.get("shown", "")
    context = {
        "sidebar": sidebar_of(request.user, shown=int(shown[:6]) if shown.isdecimal() else 0),
        "conversation": {"pk": request.GET.get("open", "")},
    }
    return render(request, "chat/_sidebar_entries.html", context)


@login_required
@require_GET
def options(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What can be done with a conversation: a menu over the page, or a page of its own."""
    context = {
        "conversation": _mine(request, pk),
        "folders": Folder.objects.owned_by(request.user),
    }
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "chat/_menu.html", context)
    return render(request, "chat/options.html", context | {"tab": ""})


@login_required
@require_GET
def library(request: HttpRequest) -> HttpResponse:
    """Every conversation, page by page: all, those of a folder, archived or deleted ones."""
    mine = Conversation.objects.owned_by(request.user)
    which, folder = request.GET.get("which", ""), None
    match which:
        case "archived":
            rows = mine.filter(archived_at__isnull=False).order_by("-archived_at")
        case "deleted":
            rows = Conversation.objects.deleted_by(request.user).order_by("-deleted_at")
        case "" | "all":
            rows = mine.filter(archived_at=None)
        case _:
            theirs = Folder.objects.owned_by(request.user)
            folder = get_object_or_404(theirs, pk=int(which[:18]) if which.isdecimal() else 0)
            rows = mine.filter(folder=folder)
    listed = Q(conversations__deleted_at=None) & Q(conversations__pk__isnull=False)
    folders = (
        Folder.objects.owned_by(request.user)
        .annotate(size=Count("conversations", filter=listed))
        .order_by(Lower("name"))
    )
    page = Paginator(rows.select_related("folder").defer("system_prompt"), PER_PAGE)
    context = {
        "tab": "conversations",
        "which": which or "all",
        "folder": folder,
        "folders": folders,
        "page": page.get_page(request.GET.get("page")),
        "minutes": settings.DELETED_KEPT_MINUTES,
    }
    return render(request, "chat/library.html", context)


# --- What is done to one conversation


@login_required
@require_POST
def rename(request: HttpRequest, pk: UUID) -> HttpResponse:
    conversation = _mine(request, pk)
    try:
        organise.rename(conversation, request.POST.get("title", ""))
    except CannotKeep as error:
        return _refused(request, error)
    return _done(request, conversation)


@login_required
@require_POST
def pin(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Pin it, or with `undo` no longer."""
    conversation = _mine(request, pk)
    organise.pin(conversation, is_pinned=not request.POST.get("undo"))
    return _done(request, conversation)


@login_required
@require_POST
def archive(request: HttpRequest, pk: UUID) -> HttpResponse:
    conversation = _mine(request, pk)
    undo = bool(request.POST.get("undo"))
    organise.archive(conversation, is_archived=not undo)
    if undo:
        return _undone(request, conversation)
    return _done(request, conversation, toast="Archived. It is in your library.")


@login_required
@require_POST
def move(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Into the folder of this key or, made where it is missing, of this name; else out of any."""
    conversation = _mine(request, pk)
    key, name = request.POST.get("folder", ""), request.POST.get("name", "")
    folder = None
    if key.isdecimal():
        folder = get_object_or_404(Folder.objects.owned_by(request.user), pk=int(key[:18]))
    elif name.strip():
        try:
            folder = organise.create_folder(person(request), name)
        except CannotKeep as error:
            return _refused(request, error)
    organise.move(conversation, folder)
    return _done(request, conversation)


@login_required
@require_POST
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    conversation = _mine(request, pk)
    organise.delete(conversation)
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(reverse("chat:library") + "?which=deleted")
    return _done(request, conversation, toast="Conversation deleted.")


@login_required
@require_POST
def restore(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Undo a deletion. To delete it again and to restore it twice are both in order."""
    theirs = Conversation.objects.filter(user=person(request).pk)
    conversation = get_object_or_404(theirs, pk=pk)
    organise.restore(conversation)
    return _undone(request, conversation)


# --- Folders


@login_required
@require_POST
def create_folder(request: HttpRequest) -> HttpResponse:
    try:
        organise.create_folder(person(request), request.POST.get("name", ""))
    except CannotKeep as error:
        return _refused(request, error)
    return _done(request)


@login_required
@require_POST
def rename_folder(request: HttpRequest, pk: int) -> HttpResponse:
    folder = get_object_or_404(Folder.objects.owned_by(request.user), pk=pk)
    try:
        organise.rename_folder(folder, request.POST.get("name", ""))
    except CannotKeep as error:
        return _refused(request, error)
    return _done(request)


@login_required
@require_POST
def delete_folder(request: HttpRequest, pk: int) -> HttpResponse:
    """The folder alone: what is in it goes back under its date."""
    get_object_or_404(Folder.objects.owned_by(request.user), pk=pk).delete()
    return _done(request)


# --- How it is answered


def _mine(request: HttpRequest, pk: UUID) -> Conversation:
    return get_object_or_404(Conversation.objects.owned_by(request.user), pk=pk)


def _done(
    request: HttpRequest, conversation: Conversation | None = None, *, toast: str = ""
) -> HttpResponse:
    """Show it: the list drawn anew, and the open conversation's own name and place.

    `toast`: a sentence about what was done, which takes the conversation away and can be undone.
    """
    if not request.htmx:  # type: ignore[attr-defined]
        there = request.POST.get("next", "")
        return redirect(there if there.startswith("/library/") else "chat:library")
    was_open = conversation is not None and _is_open(request, conversation)
    context: dict[str, Any] = {
        "sidebar": sidebar_of(request.user),
        "conversation": {"pk": _open_pk(request)},
        "changed": conversation,
        "title_changed": was_open,
    }
    if conversation and toast:
        context["toast"] = _undoable(conversation, toast, was_open=was_open)
    if not (was_open and toast):
        return render(request, "chat/_kept.html", context)
    away = {"leaves": True, "conversation": None}
    response = render(request, "chat/_kept.html", page_of(request, None) | context | away)
    response["HX-Push-Url"] = reverse("chat:home")
    return response


def _undoable(conversation: Conversation, text: str, *, was_open: bool) -> dict[str, Any]:
    undo = "chat:restore" if conversation.deleted_at else "chat:archive"
    return {
        "text": text,
        "undo_url": reverse(undo, args=[conversation.pk]),
        "fields": ["undo", "open"] if was_open else ["undo"],
    }


def _undone(request: HttpRequest, conversation: Conversation) -> HttpResponse:
    """As `_done`; what had been on show before is so again."""
    response = _done(request, conversation)
    if request.POST.get("open"):
        response["HX-Redirect"] = conversation.get_absolute_url()
    return response


def _refused(request: HttpRequest, error: CannotKeep) -> HttpResponse:
    context = {"text": error.for_person}
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "chat/_toast.html", context)  # a 400 would be told twice
    return render(request, "chat/refused.html", context, status=400)


def _is_open(request: HttpRequest, conversation: Conversation) -> bool:
    return _open_pk(request) == str(conversation.pk)


def _open_pk(request: HttpRequest) -> str:
    """The key of the conversation that the page of this request shows; "" for a new one."""
    path = request.htmx.current_url_abs_path or ""  # type: ignore[attr-defined]
    pieces = path.split("?")[0].split("/")
    return pieces[2] if len(pieces) > 3 and pieces[1] == "c" else ""
