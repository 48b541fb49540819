"""Files: judged by content, kept apart, sent as OpenRouter takes them, given as downloads."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from chat.attachments import as_json, attach, clean_name, named
from chat.branches import edit, fork
from chat.errors import CannotAttach
from chat.models import Attachment, Message
from chat.runner import runner
from chat.services import Turn, send
from routing.services import NoCandidateFits
from tests.chat.conftest import OWNER
from tests.chat.test_branches import settle
from tests.openrouter.test_request_bodies import check

HTMX = {"HX-Request": "true"}
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
PDF = b"%PDF-1.4\n1 0 obj<</Type /Page>>endobj\n2 0 obj<</Type/Page>>endobj\n%%EOF"


@pytest.fixture(autouse=True)
def _folder(settings: Settings, tmp_path: Path) -> None:
    settings.ATTACHMENT_DIR = str(tmp_path / "attachments")


def put(user: User, name: str, content: bytes) -> Attachment:
    return attach(user=user, upload=SimpleUploadedFile(name, content))


def ask(user: User, *files: Attachment, nonce: str = "n") -> Turn:
    return send(
        user=user, conversation=None, prompt="What is this?", choice="", nonce=nonce, owner=OWNER,
        files=as_json(files),
    )  # fmt: skip


def parts(turn: Turn) -> list[dict[str, Any]]:
    assert turn.job is not None
    content: list[dict[str, Any]] = turn.job.request.messages[-1]["content"]
    return content


def test_a_picture_is_one_by_its_content_whatever_it_is_called(ada: User) -> None:
    kept = put(ada, "note.txt", PNG)
    assert (kept.kind, kept.media_type, kept.name) == ("image", "image/png", "note.txt")


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [("a.pdf", PDF, "pdf"), ("a.md", b"# Hi", "text"), ("a", "é".encode(), "text")],
)
def test_what_is_taken(ada: User, name: str, content: bytes, kind: str) -> None:
    assert put(ada, name, content).kind == kind


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.png", b"", "is empty"),
        ("a.png", b"\x7fELF\x02\x01\x01" + b"\0" * 60, "of no kind"),
        ("a.txt", b"a\0b", "of no kind"),
        ("a.txt", b"\xff\xfe\xfa", "of no kind"),
        ("a.zip", b"PK\x03\x04" + b"\0" * 60, "of no kind"),
        ("a.txt", b"x" * 3_000_000, "too large"),
        ("a.txt", b"x" * 400_001, "at most 400,000"),
    ],
)
def test_what_is_refused_and_why(
    ada: User, settings: Settings, name: str, content: bytes, why: str
) -> None:
    settings.MAX_ATTACHMENT_MB = 2
    with pytest.raises(CannotAttach) as refused:
        put(ada, name, content)
    assert why in refused.value.for_person
    assert not Attachment.objects.exists()
    assert not any(Path(settings.ATTACHMENT_DIR).rglob("*"))


def test_the_bytes_lie_under_a_random_name_outside_the_web_root(
    ada: User, settings: Settings
) -> None:
    kept = put(ada, "../../static/evil.html", b"<script>alert(1)</script>")
    assert kept.name == "evil.html"
    assert kept.path.is_relative_to(settings.ATTACHMENT_DIR)
    assert kept.path.name == kept.pk.hex
    assert not kept.path.is_relative_to(settings.STATIC_ROOT)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\a\\b.txt", "b.txt"),
        ("a\u202etxt.exe", "atxt.exe"),
        ("\x00\n", "file"),
        ("", "file"),
        ("x" * 500, "x" * 120),
    ],
)
def test_a_name_is_only_shown(name: str, shown: str) -> None:
    assert clean_name(name) == shown


def test_what_is_anothers_cannot_be_attached(ada: User, eve: User) -> None:
    kept = put(ada, "a.txt", b"mine")
    assert named(user=ada, ids=[str(kept.pk)]) == [kept]
    for ids in ([str(kept.pk)], ["no id"], ["00000000-0000-0000-0000-000000000000"]):
        with pytest.raises(CannotAttach):
            named(user=eve, ids=ids)


def test_no_more_files_than_may_be(ada: User, settings: Settings) -> None:
    settings.MAX_ATTACHMENTS = 1
    files = [put(ada, "a.txt", b"x"), put(ada, "b.txt", b"y")]
    with pytest.raises(CannotAttach, match="At most 1"):
        named(user=ada, ids=[str(file.pk) for file in files])


def test_a_text_a_pdf_and_a_picture_are_parts_of_the_message(ada: User) -> None:
    turn = ask(ada, put(ada, "a.md", b"# Hi"), put(ada, "b.pdf", PDF))
    assert parts(turn) == [
        {"type": "text", "text": "What is this?"},
        {"type": "text", "text": "a.md:\n\n# Hi"},
        {
            "type": "file",
            "file": {
                "filename": "b.pdf",
                "file_data": "data:application/pdf;base64," + base64.b64encode(PDF).decode(),
            },
        },
    ]
    assert turn.job is not None
    assert turn.job.request.plugins == [{"id": "file-parser", "pdf": {"engine": "cloudflare-ai"}}]


@pytest.mark.shared
def test_a_request_with_files_is_what_the_document_describes(ada: User) -> None:
    turn = ask(ada, put(ada, "a.md", b"# Hi"), put(ada, "b.pdf", PDF))
    assert turn.job is not None
    body = json.loads(json.dumps(turn.job.request.body(stream=True)))
    check(body, {"$ref": "#/components/schemas/ChatRequest"})


def test_a_picture_goes_to_a_model_that_reads_pictures_or_to_none(ada: User) -> None:
    """The catalogue of these tests reads only text."""
    with pytest.raises(NoCandidateFits, match="read images"):
        ask(ada, put(ada, "a.png", PNG))


def test_files_stay_with_their_message_on_later_turns_edits_and_forks(ada: User) -> None:
    turn = ask(ada, put(ada, "a.md", b"# Hi"))
    settle(turn)
    question = turn.messages[0]
    edited = edit(user=ada, prompt=question, text="And this?", nonce="e", owner=OWNER)
    assert parts(edited)[1]["text"] == "a.md:\n\n# Hi"
    answered = settle(edited)
    copy = fork(user=ada, message=answered, nonce="f")
    assert [file["name"] for file in copy.messages.get(role="user").files or ()] == ["a.md"]


def test_a_parsed_pdf_is_sent_back_so_that_it_is_not_parsed_twice(ada: User) -> None:
    turn = ask(ada, put(ada, "b.pdf", PDF))
    settle(turn)
    parsed = {"type": "file", "file": {"hash": "abc", "name": "b.pdf", "content": []}}
    cited = {"type": "url_citation", "url_citation": {"url": "https://e.org/"}}
    Message.objects.filter(pk=turn.reply.pk).update(annotations=[cited, parsed])
    again = send(
        user=ada, conversation=turn.conversation, prompt="More?", choice="", nonce="m", owner=OWNER
    )
    assert again.job is not None
    assert again.job.request.messages[1]["annotations"] == [parsed]


def test_a_file_that_is_gone_is_said_so_to_the_model(ada: User) -> None:
    kept = put(ada, "a.md", b"# Hi")
    kept.path.unlink()
    assert "not there any more" in parts(ask(ada, kept))[1]["text"]


def test_the_bytes_go_with_the_row(ada: User, django_capture_on_commit_callbacks: Any) -> None:
    kept = put(ada, "a.md", b"# Hi")
    path = kept.path
    with django_capture_on_commit_callbacks(execute=True):
        ada.delete()
    assert not path.exists()


@pytest.fixture
def page(client: Client, ada: User, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(runner, "start", lambda job, change, frame: None)
    client.force_login(ada)
    return client


def test_a_file_is_sent_ahead_and_named_by_the_message(page: Client) -> None:
    upload = SimpleUploadedFile("a.md", b"# Hi", content_type="image/png")
    html = page.post(reverse("chat:upload"), {"upload": upload}).content.decode()
    kept = Attachment.objects.get()
    assert f'name="file" value="{kept.pk}"' in html
    fields = {"prompt": "What is this?", "nonce": "n", "file": str(kept.pk)}
    shown = page.post(reverse("chat:send"), fields, headers=HTMX).content.decode()
    assert reverse("chat:file", args=[kept.pk]) in shown
    assert Message.objects.get(role="user").files == [kept.as_json()]


def test_without_javascript_files_come_with_the_form(page: Client) -> None:
    upload = SimpleUploadedFile("a.md", b"# Hi")
    fields = {"prompt": "What is this?", "nonce": "n", "upload": upload}
    assert page.post(reverse("chat:send"), fields).status_code == 302
    assert len(Message.objects.get(role="user").files or ()) == 1


def test_a_file_that_is_refused_sends_nothing(page: Client) -> None:
    upload = SimpleUploadedFile("a.zip", b"PK\x03\x04" + b"\0" * 60)
    response = page.post(reverse("chat:upload"), {"upload": upload})
    assert (response.status_code, response["Content-Type"]) == (422, "text/plain")
    fields = {"prompt": "my thought", "nonce": "n", "file": "no id"}
    response = page.post(reverse("chat:send"), fields)
    assert response.status_code == 422
    assert "my thought" in response.content.decode()
    assert not Message.objects.exists()
    assert page.post(reverse("chat:upload")).status_code == 422


@pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", b"<!doctype html><script>"])
def test_what_could_run_is_a_download_of_no_kind(page: Client, ada: User, content: bytes) -> None:
    kept = put(ada, "evil.html", content)
    response = page.get(reverse("chat:file", args=[kept.pk]))
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]


def test_a_file_is_its_owners(client: Client, ada: User, eve: User) -> None:
    url = reverse("chat:file", args=[put(ada, "a.txt", b"mine").pk])
    assert client.get(url).status_code == 302
    client.force_login(eve)
    assert client.get(url).status_code == 404
    client.force_login(ada)
    assert client.get(url).content == b"mine"
