"""T7: what is uploaded is bounded before it is kept, and never comes back as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from chat.models import Attachment

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 24
SCRIPT = b"<script>alert(1)</script>"


@pytest.fixture
def kept(settings: Settings, tmp_path: Path) -> Path:
    settings.ATTACHMENT_DIR = str(tmp_path / "kept")
    return tmp_path


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_t07_of_too_many_files_none_is_kept(
    kept: Path, ada: User, client: Client, settings: Settings
) -> None:
    client.force_login(ada)
    many = [SimpleUploadedFile(f"{n}.txt", b"x") for n in range(settings.MAX_ATTACHMENTS + 1)]
    answer = client.post("/send/", {"prompt": "all of it", "upload": many})
    assert 400 <= answer.status_code < 500
    assert not Attachment.objects.exists()
    assert not files_below(kept)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.png", PNG + SCRIPT),
        ("a.html", SCRIPT),
        ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
        ("../../a.html", SCRIPT),
        ('a"\r\nSet-Cookie: a=b.txt', b"text"),
        ("a.xhtml", b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>'),
        ("%2e%2e%2fa.txt", b"text"),
    ],
)
def test_t07_nothing_comes_back_as_a_page(
    kept: Path, ada: User, client: Client, name: str, content: bytes
) -> None:
    """Whatever its name and its beginning say, and whatever type the browser claimed for it."""
    client.force_login(ada)
    claimed: Any = SimpleUploadedFile("x", content, content_type="text/html")
    claimed._name = name  # not what the property would make of it
    if client.post("/files/", {"upload": claimed}).status_code != 200:
        assert not Attachment.objects.exists()
        return
    attachment = Attachment.objects.get()
    assert files_below(kept) == [attachment.path]
    answer = client.get(f"/files/{attachment.pk}/")
    assert answer["Content-Type"] in ("application/octet-stream", "image/png")
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert not answer.cookies.get("a")
    assert "/" not in attachment.name
    assert "\n" not in attachment.name
