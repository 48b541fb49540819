"""How a person reads: the sheet of settings that the browser keeps, and its list of shortcuts."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

SHORTCUTS = (
    ("New chat", "Mod Shift O"),
    ("Search", "Mod K"),
    ("Show or hide the conversations", "Mod Shift S"),
    ("To the message box", "Shift Esc"),
    ("Edit the last message, from an empty message box", "↑"),
    ("Stop the answer, from the message box", "Esc"),
    ("Copy the last answer", "Mod Shift C"),
    ("Copy the last code", "Mod Shift ;"),
    ("This sheet", "Mod /"),
)
ANNOUNCEMENTS = (
    ("off", "Say nothing"),
    ("ready", "Say when it is ready"),
    ("end", "Read all of it when it is ready"),
    ("sentences", "Read each sentence as it comes"),
)


@login_required
@require_GET
def reading(request: HttpRequest) -> HttpResponse:
    """A sheet over the chat, or a page of its own."""
    context = {
        "shortcuts": [(what, keys.split()) for what, keys in SHORTCUTS],
        "announcements": ANNOUNCEMENTS,
        "tab": "",
    }
    is_sheet = request.htmx  # type: ignore[attr-defined]
    return render(request, "chat/_reading.html" if is_sheet else "chat/reading.html", context)
