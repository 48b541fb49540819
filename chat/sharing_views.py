"""Making, listing and ending links; and the page that a link opens, for anybody."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from csp.decorators import csp_replace
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from chat import sharing
from chat.attachment_views import bytes_of
from chat.models import Conversation, Share
from chat.sharing import LASTING, CannotShare


@login_required
@require_http_methods(["GET", "POST"])
def share(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The sheet in which a link is made, and then copied from."""
    conversation = get_object_or_404(Conversation.objects.owned_by(request.user), pk=pk)
    context: dict[str, Any] = {"conversation": conversation, "lasting": LASTING, "tab": "shared"}
    if request.method == "POST":
        try:
            made = sharing.share(
                conversation,
                days=request.POST.get("days", "30"),
                shown_name=request.POST.get("shown_name", ""),
            )
        except CannotShare as error:
            context["problem"] = error.for_person
        else:
            context |= {"made": made, "url": _address(request, made)}
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "chat/_share.html", context)
    return render(request, "chat/share.html", context)


@login_required
@require_GET
def shares(request: HttpRequest) -> HttpResponse:
    """The links of a person, with what each shows."""
    theirs = Share.objects.owned_by(request.user).defer("messages").select_related("conversation")
    rows = [(it, _address(request, it)) for it in theirs.filter(conversation__deleted_at=None)]
    return render(request, "chat/shares.html", {"shares": rows, "tab": "shared"})


@login_required
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    sharing.revoke(get_object_or_404(Share.objects.owned_by(request.user), pk=pk))
    return redirect("chat:shares")


@login_required
@require_POST
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an ended link off the list, and its copy out of the database."""
    sharing.forget(get_object_or_404(Share.objects.owned_by(request.user), pk=pk))
    return redirect("chat:shares")


@never_cache
@csp_replace({"connect-src": ["'none'"], "form-action": ["'none'"]})  # type: ignore[arg-type]
@require_GET
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """What a link shows. It knows nobody: who is signed in makes no difference."""
    found = Share.objects.open().filter(token=token).first()
    if found is None:
        response = render(request, "chat/share_ended.html", status=404)
    else:
        response = render(request, "chat/shared.html", {"share": found})
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response["Referrer-Policy"] = "no-referrer"  # the address is the key
    return response


@never_cache
@require_GET
def shared_picture(request: HttpRequest, token: str, key: str) -> HttpResponse:
    """A picture on the page of a link, for as long as the link is open."""
    found = Share.objects.open().filter(token=token).first()
    picture = sharing.picture_in(found, key) if found else None
    if picture is None:
        raise Http404
    response = bytes_of(picture)
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _address(request: HttpRequest, share: Share) -> str:
    return request.build_absolute_uri(f"/s/{share.token}/")
