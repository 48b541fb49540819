"""Conversations in the admin: that they are there, and, for who may, what stands in them.

The list tells no title and no text. To read one takes three things: the setting ADMIN_READS_CHATS,
the permission chat.read_conversation, and a reason, which goes into the audit log before the
text is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.views.decorators.cache import never_cache

from billing.admin import BoundedPaginator, ReadOnly
from billing.audited import note
from billing.models import user_ref
from chat.markdown import render
from chat.models import Conversation, Role
from chat.services import branch

if TYPE_CHECKING:
    ConversationAdminBase = admin.ModelAdmin[Conversation]
else:
    ConversationAdminBase = admin.ModelAdmin

REASON_CHARS: Final = 200
LEAST_REASON: Final = 5


@dataclass(frozen=True, slots=True)
class Read:
    """One message, as it is shown to a reader. `html` is sanitised."""

    role: str
    text: str
    html: str
    is_aside: bool  # on another branch than the one on show
    files: list[str]


def may_read(request: HttpRequest) -> bool:
    """Nobody, unless this installation says so; then who has the permission."""
    return settings.ADMIN_READS_CHATS and request.user.has_perm("chat.read_conversation")


@admin.register(Conversation)
class ConversationAdmin(ReadOnly, ConversationAdminBase):
    list_display = ("key", "person", "begun", "last", "size")
    list_display_links = ("key",)
    list_select_related = ("user",)
    date_hierarchy = "created_at"
    search_fields = ("user__username__exact", "id__exact")
    search_help_text = "A username, or the whole id of a conversation."
    sortable_by = ("begun", "last")
    ordering = ("-updated_at",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        """Without those that their owner deleted."""
        kept = super().get_queryset(request).filter(deleted_at=None)
        return kept.select_related("user").annotate(messages_count=Count("messages"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term or "\0" in term:
            return queryset, False
        if len(term) == 36 and term.count("-") == 4:
            found = self.get_object(request, term)
            return queryset.filter(pk=found.pk if found else None), False
        return queryset.filter(user__username=term), False

    @admin.display(description="conversation")
    def key(self, conversation: Conversation) -> str:
        return str(conversation.pk)

    @admin.display(description="person", ordering="user__username")
    def person(self, conversation: Conversation) -> str:
        return conversation.user.get_username()

    @admin.display(description="begun (UTC)", ordering="created_at")
    def begun(self, conversation: Conversation) -> str:
        return f"{conversation.created_at:%Y-%m-%d %H:%M}"

    @admin.display(description="last written in (UTC)", ordering="updated_at")
    def last(self, conversation: Conversation) -> str:
        return f"{conversation.updated_at:%Y-%m-%d %H:%M}"

    @admin.display(description="messages")
    def size(self, conversation: Conversation) -> int:
        return int(getattr(conversation, "messages_count", 0))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": "Conversations", **(extra_context or {})})

    # --- One of them: the question first, then, with an answer to it, the text

    def get_urls(self) -> list[Any]:
        read = self.admin_site.admin_view(never_cache(self.read))
        ours = path("<path:object_id>/read/", read, name="chat_conversation_read")
        return [ours, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """What there is, without a word of it; and the form that asks for a reason."""
        return self._ask(request, self._found(request, object_id))

    def read(self, request: HttpRequest, object_id: str) -> HttpResponse:
        conversation = self._found(request, object_id)
        if not may_read(request):
            raise PermissionDenied
        if request.method != "POST":
            return redirect("admin:chat_conversation_change", conversation.pk)
        reason = " ".join(request.POST.get("reason", "").split())
        if not LEAST_REASON <= len(reason) <= REASON_CHARS:
            problem = f"Say why, in {LEAST_REASON} to {REASON_CHARS} characters."
            return self._ask(request, conversation, problem=problem)
        facts = {"of": user_ref(conversation.user), "why": reason}
        note("chat-read", subject=f"conversation-{conversation.pk}", detail=facts)
        context = {"conversation": conversation, "messages": read_all(conversation)}
        return TemplateResponse(request, "chat/read_by_admin.html", context)

    def _found(self, request: HttpRequest, object_id: str) -> Conversation:
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = self.get_object(request, object_id)
        if found is None:
            raise Http404
        return found

    def _ask(
        self, request: HttpRequest, conversation: Conversation, problem: str = ""
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "A conversation",
            "conversation": conversation,
            "person": self.person(conversation),
            "size": self.size(conversation),
            "may_read": may_read(request),
            "is_off": not settings.ADMIN_READS_CHATS,
            "most": REASON_CHARS,
            "problem": problem,
        }
        status = 400 if problem else 200
        return TemplateResponse(request, "chat/read_request.html", context, status=status)


def read_all(conversation: Conversation) -> list[Read]:
    """Every message, oldest first. Drawn anew, through the one sanitiser."""
    shown = {message.pk for message in branch(conversation)}
    return [
        Read(
            role=message.role,
            text=message.text,
            html=render(message.text) if message.role == Role.ASSISTANT else "",
            is_aside=message.pk not in shown,
            files=[str(file.get("name", "")) for file in message.files or ()],
        )
        for message in conversation.messages.order_by("pk")
        if not message.is_running
    ]
