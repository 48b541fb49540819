"""A person's data as a zip: all of it, theirs alone, and brought in again by our own importer."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from accounts.models import Action, User
from accounts.takeout import write_zip
from chat.attachments import attach
from chat.importing import import_file
from chat.models import Attachment, Conversation, Message, SavedPrompt
from chat.organise import create_folder, move
from chat.sharing import share
from openrouter.events import Usage
from tests.accounts.people import noted
from tests.chat.conftest import Ask
from tests.chat.test_costs_shown import settled

pytestmark = pytest.mark.django_db


@pytest.fixture
def rich(ask: Ask, ada: User, eve: User) -> Conversation:
    """A conversation of ada's with a bill, one of everything else, and one of eve's."""
    turn = ask("What of the plaintiff?")
    settled(turn, Usage(prompt_tokens=3, completion_tokens=2, cost_usd=Decimal("0.0000123")))
    Message.objects.filter(pk=turn.reply.pk).update(thumb=1, text="It is told.")
    attach(user=ada, upload=SimpleUploadedFile("../brief: x.txt", b"the brief"))
    move(turn.conversation, create_folder(ada, "Law"))
    SavedPrompt.objects.create(user=ada, name="greet", text="Say hello")
    share(turn.conversation, days="7", shown_name="")
    ask("Something of eve's", user=eve)
    return turn.conversation


def zip_of(user: User, **options: Any) -> zipfile.ZipFile:
    file = io.BytesIO()
    write_zip(user, file, **options)
    return zipfile.ZipFile(file)


def test_everything_is_in_it(rich: Conversation, ada: User) -> None:
    archive = zip_of(ada)
    read = {name: archive.read(name).decode() for name in archive.namelist()}
    assert json.loads(read["account.json"])["username"] == "ada"
    assert "What of the plaintiff?" in read["conversations.json"]
    (markdown,) = [name for name in read if name.startswith("conversations/")]
    assert "It is told." in read[markdown]
    (kept,) = Attachment.objects.all()
    (file,) = [name for name in read if name.startswith("files/")]
    assert read[file] == "the brief"
    assert file == f"files/{kept.pk}-brief_ x.txt"
    assert json.loads(read["prompts.json"])[0]["text"] == "Say hello"
    assert json.loads(read["votes.json"])["thumbs"][0]["thumb"] == "up"
    assert json.loads(read["links.json"])[0]["conversation"] == str(rich.pk)
    assert [it["action"] for it in json.loads(read["audit.json"])] == []
    assert "0.0000123" in read["usage.csv"]
    assert "README.txt" in read


def test_nothing_of_anybody_else_is_in_it(rich: Conversation, eve: User) -> None:
    archive = zip_of(eve)
    whole = "".join(archive.read(name).decode() for name in archive.namelist())
    assert "Something of eve's" in whole
    for hers in ("plaintiff", "the brief", "Say hello", "Law", "0.0000123", "ada"):
        assert hers not in whole, hers


def test_our_own_importer_takes_it(rich: Conversation, ada: User, eve: User) -> None:
    file = io.BytesIO()
    write_zip(ada, file)
    file.seek(0)
    imported = import_file(eve, file, most_bytes=25_000_000)
    assert (imported.conversations, imported.messages) == (1, 2)
    copy = Conversation.objects.get(user=eve, folder__name="Law")
    assert [m.text for m in copy.messages.all()] == ["What of the plaintiff?", "It is told."]


def test_what_is_too_much_for_one_import_is_in_several_files(
    ask: Ask, ada: User, eve: User, settings: Settings
) -> None:
    for number in range(3):
        ask(f"{number} " + "long " * 30_000)
    settings.MAX_IMPORT_MB = 0.25
    archive = zip_of(ada)
    parts = sorted(name for name in archive.namelist() if name.endswith("s.json") or "s-" in name)
    parts = [name for name in parts if name.startswith("conversations") and "/" not in name]
    assert parts == ["conversations-2.json", "conversations-3.json", "conversations.json"]
    for name in parts:
        import_file(eve, io.BytesIO(archive.read(name)), most_bytes=250_000)
    assert Conversation.objects.filter(user=eve).count() == 3


def test_where_no_amounts_are_shown_none_are_taken_along(
    rich: Conversation, ada: User, settings: Settings
) -> None:
    settings.SHOW_MONEY = False
    archive = zip_of(ada)
    assert "usage.csv" not in archive.namelist()
    assert "shows no amounts" in archive.read("README.txt").decode()
    assert "0.0000123" not in archive.read("conversations.json").decode()


def test_a_file_that_is_lost_hinders_nothing(rich: Conversation, ada: User) -> None:
    Attachment.objects.get().path.unlink()
    file = io.BytesIO()
    contents = write_zip(ada, file)
    assert (contents.files, contents.missing_files) == (0, 1)


async def whole(answer: Any) -> bytes:
    return b"".join([piece async for piece in answer.streaming_content])


def test_a_person_takes_it_from_the_page(rich: Conversation, ada: User, client: Client) -> None:
    client.post("/accounts/login/", {"login": "ada", "password": "engine"})
    client.post("/accounts/reauthenticate/", {"password": "engine"})
    assert client.get("/accounts/data/export/").status_code == 405
    answer = client.post("/accounts/data/export/")
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="switchboard-ada.zip"'
    assert answer.headers["Cache-Control"] == "no-store, private"
    data = async_to_sync(whole)(answer)
    assert len(data) == int(answer.headers["Content-Length"])
    assert "account.json" in zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert [entry.actor_ref for entry in noted(Action.EXPORTED)] == [f"user-{ada.pk}"]


def test_the_command_writes_it_for_its_owner_alone(
    rich: Conversation, ada: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "ada.zip"
    call_command("export_user", "ada", "--to", str(target))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert "1 conversations, 1 files" in capsys.readouterr().out
    assert "conversations.json" in zipfile.ZipFile(target).namelist()
    assert [entry.actor_ref for entry in noted(Action.EXPORTED)] == ["server"]
    before = target.read_bytes()
    with pytest.raises(CommandError, match="is there already"):
        call_command("export_user", "ada", "--to", str(target))
    assert target.read_bytes() == before
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_user", "ada", "--to", str(tmp_path / "no" / "ada.zip"))
    with pytest.raises(CommandError, match="nobody named"):
        call_command("export_user", "adam", "--to", str(tmp_path / "adam.zip"))
