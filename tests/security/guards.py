"""The guards that hold T1 to T16, and how each of them is taken away: for unguard.py."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Guard:
    """`old` stands once in `file`; with `new` in its place, one of `tests` must fail.

    `tests` are the words that pytest gets: files of tests/security without their folder, and -k.
    """

    attack: str
    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def apply(self, tree: Path) -> str:
        """Take it away; the text as it was. Raises ValueError where it stands elsewhere by now."""
        path = tree / self.file
        text = path.read_text()
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: its text stands {text.count(self.old)} times")
        path.write_text(text.replace(self.old, self.new))
        return text


T01, T02 = "test_t01_other_peoples_chats.py", "test_t02_other_peoples_streams.py"
T03, T03_PAGES = "test_t03_lost_rights.py", "test_t03_on_the_pages.py"
T04, T05 = "test_t04_id_variants.py", "test_t05_fields_of_the_client.py"
T06, T07 = "test_t06_shared_pages.py", "test_t07_uploads.py"
T08, T09 = "test_t08_no_address_is_fetched.py", "test_t09_rights_of_staff.py"
T09_FORMS = "test_t09_mass_assignment.py"
T10, T11 = "test_t10_headers_and_keys.py", "test_t11_admin_matrix.py"
T12, T13 = "test_t12_secrets.py", "test_t13_frames_and_bodies.py"
T14, T15, T16 = "test_t14_other_sites.py", "test_t15_spend_fields.py", "test_t16_supply_chain.py"

OWNED = "return self.filter(user_id=user.pk, deleted_at=None) if mine else self.none()"
ADMITTED = "conversation=Conversation.objects.owned_by(user).filter(pk=pk).first()"

GUARDS = (
    Guard("T1", "a conversation is its owner's", "chat/models.py",
          OWNED, "return self.filter(deleted_at=None)", (T01, "-k", "anothers_does_not_exist")),
    Guard("T1", "a file is its owner's", "chat/attachment_views.py",
          "Attachment, pk=pk, user=person(request)", "Attachment, pk=pk",
          (T01, "-k", "anothers_does_not_exist")),
    Guard("T1", "a session is ended by its owner", "accounts/sessions.py",
          "UserSession, pk=pk, user=request.user", "UserSession, pk=pk",
          (T01, "-k", "anothers_does_not_exist")),
    Guard("T2", "a socket is admitted", "chat/admission.py",
          ADMITTED, "conversation=Conversation.objects.filter(pk=pk).first()", (T02,)),
    Guard("T2", "a socket takes no commands", "chat/consumers.py",
          'await self.close(code=NO_COMMANDS, reason="this socket takes no commands")', "return",
          (T02,)),
    Guard("T3", "open sockets are looked at again", "chat/rights.py",
          "if found != watched.marks and watched in self._watched:", "if not found:", (T03,)),
    Guard("T3", "a right rests on the account", "chat/rights.py",
          "people.get(it.user_id, ())[:2],", "None,", (T03,)),
    Guard("T3", "a right rests on the role", "chat/rights.py",
          "watched.marks is None or watched.marks[ROLE] == marks[ROLE]", "True", (T03_PAGES,)),
    Guard("T4", "an id has one spelling", "chat/urls.py",
          'path("files/<uuid:pk>/"', 'path("files/<str:pk>/"', (T04,)),
    Guard("T5", "who asks is who is signed in", "chat/views.py",
          "turn = send(user=person(request),",
          'turn = send(user=type(person(request)).objects.filter(pk=request.POST.get("user_id")'
          " or person(request).pk).first(),", (T05,)),
    Guard("T6", "what stands on a shared page is escaped", "templates/chat/shared.html",
          '>{{ message.text }}', '>{{ message.text|safe }}',
          (T06,)),
    Guard("T6", "a copy is drawn by the renderer", "chat/sharing.py",
          "html = render(message.text)", "html = message.html or render(message.text)", (T06,)),
    Guard("T6", "a title is escaped", "templates/chat/_sidebar_entry.html",
          '<span>{{ entry.title|default:"New chat" }}', '<span>{{ entry.title|safe }}',
          ("test_t06_everywhere.py",)),
    Guard("T7", "a file comes as a download", "chat/attachment_views.py",
          "as_attachment=True", "as_attachment=False", (T07,)),
    Guard("T7", "a file has no type but a picture's", "chat/attachment_views.py",
          'found.media_type if is_image else "application/octet-stream"', '"text/html"', (T07,)),
    Guard("T7", "a file is in a sandbox", "chat/attachment_views.py",
          'response["Content-Security-Policy"] = "sandbox; default-src \'none\'"', "", (T07,)),
    Guard("T8", "a picture is not fetched", "chat/pictures.py",
          'if not url.startswith("data:"):\n',
          'if not url.startswith("data:"):\n        __import__("socket").getaddrinfo(url, 80)\n',
          (T08,)),
    Guard("T8", "a redirect is not followed", "openrouter/transport.py",
          "httpx.AsyncClient(\n", "httpx.AsyncClient(follow_redirects=True,\n", (T08,)),
    Guard("T9", "staff give no rights", "accounts/admin.py",
          "return fields if is_superuser(request) else (*fields, *RIGHTS)", "return fields",
          (T09,)),
    Guard("T10", "the host is one of ours", "config/settings.py",
          'ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"])',
          'ALLOWED_HOSTS = ["*"]', (T10, "-k", "another_host")),
    Guard("T10", "a proxied request is not this machine", "config/probes.py",
          "if FORWARDED & headers.keys() or not", "if not", (T10, "-k", "without_a_token")),
    Guard("T11", "a filter is a value", "billing/usage_filters.py",
          "return queryset.filter(user_ref=chosen) if chosen else queryset",
          "return queryset.extra(where=[\"user_ref = '%s'\" % chosen]) if chosen else queryset",
          (T11, "-k", "statement")),
    Guard("T12", "an error is cleaned of keys", "openrouter/errors.py",
          'return _SECRETS.sub(lambda found: f"{found[1] or found[2]}…", text)', "return text",
          (T12, "-k", "echo or upstream")),
    Guard("T13", "NUL does not come to the database", "config/settings.py",
          '    "config.middleware.without_nul",', "    #", ("test_t13_nul.py",)),
    Guard("T13", "a frame closes its socket", "chat/consumers.py",
          'await self.close(code=NO_COMMANDS, reason="this socket takes no commands")', "return",
          (T13, "-k", "frame")),
    Guard("T14", "a post has its token", "config/settings.py",
          '    "django.middleware.csrf.CsrfViewMiddleware",\n', "",
          (T14, "-k", "no_command or another_method or read_elsewhere")),
    Guard("T14", "a socket has our origin", "config/asgi.py",
          "AllowedHostsOriginValidator(URLRouter(urlpatterns))", "URLRouter(urlpatterns)",
          (T14, "-k", "in_front")),
    Guard("T15", "what is no amount is unknown", "openrouter/money.py",
          "return None if amount < 0 else amount", "return amount", (T15,)),
    Guard("T15", "an empty budget stops", "billing/budgets.py",
          "    if not limits:\n        return Allowance()", "    return Allowance()\n",
          (T15, "-k", "empty_budget")),
    Guard("T16", "everything locked has its hash", "requirements.lock",
          "anyio==", "left-pad>=1\nanyio==", (T16,)),
    Guard("T16", "nothing is installed without it", "Makefile",
          "pip install --quiet --require-hashes -r requirements-dev.lock",
          "pip install --quiet -r requirements-dev.lock", (T16,)),
    Guard("settings", "a guessable key is refused", "config/safety.py",
          "return short or key.lower().startswith(EXAMPLES)", "return False",
          ("../config/test_safety.py", "-k", "SECRET_KEY")),
)  # fmt: skip
