"""Files that nothing refers to go; those that something does, or is about to, stay."""

from __future__ import annotations

import datetime as dt
import os
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from chat.attachment_cleanup import AT_ONCE, clear_attachments, sweep_strays
from chat.attachment_models import path_of
from chat.attachments import as_json, attach, taken
from chat.branches import fork
from chat.errors import CannotAttach
from chat.models import Attachment, Conversation
from chat.services import Turn, send
from tests.chat.conftest import OWNER
from tests.chat.test_branches import settle

LATER = dt.timedelta(hours=25)


@pytest.fixture(autouse=True)
def _folder(settings: Settings, tmp_path: Path) -> None:
    settings.ATTACHMENT_DIR = str(tmp_path / "attachments")


class Clear:
    """The clean-up as it is some time later, with what its commit does."""

    def __init__(self, capture: DjangoCaptureOnCommitCallbacks) -> None:
        self._capture = capture

    def __call__(self, after: dt.timedelta = LATER) -> int:
        with self._capture(execute=True):
            return clear_attachments(now=timezone.now() + after)[1]


@pytest.fixture
def clear(django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> Clear:
    return Clear(django_capture_on_commit_callbacks)


def put(user: User, text: str = "x") -> Attachment:
    return attach(user=user, upload=SimpleUploadedFile("a.txt", text.encode()))


def ask(user: User, *files: Attachment, nonce: str = "n") -> Turn:
    return send(
        user=user, conversation=None, prompt="?", choice="", nonce=nonce, owner=OWNER,
        files=as_json(files),
    )  # fmt: skip


def test_what_was_never_sent_goes_with_its_bytes_after_a_day(ada: User, clear: Clear) -> None:
    kept = put(ada)
    assert clear(dt.timedelta(hours=23)) == 0
    assert kept.path.exists()
    assert clear() == 1
    assert not Attachment.objects.exists()
    assert not kept.path.exists()


def test_what_hangs_on_a_message_stays(ada: User, clear: Clear) -> None:
    kept = put(ada)
    ask(ada, kept)
    assert clear() == 0
    assert kept.path.exists()
    kept.refresh_from_db()
    assert kept.used_at > timezone.now(), "and is not looked at again for a day"


def test_it_goes_with_the_last_conversation_that_names_it(ada: User, clear: Clear) -> None:
    kept = put(ada)
    turn = ask(ada, kept)
    copy = fork(user=ada, message=settle(turn), nonce="f")
    Conversation.objects.filter(pk=turn.conversation.pk).delete()
    assert clear() == 0
    copy.delete()
    assert clear(2 * LATER) == 1
    assert not kept.path.exists()


def test_one_that_is_being_sent_just_now_is_spared(ada: User, clear: Clear) -> None:
    """It was attached long ago, in a tab that stayed open: `taken` marks it, the send follows."""
    kept = put(ada)
    Attachment.objects.update(used_at=timezone.now() - LATER)
    [found] = taken(user=ada, ids=[str(kept.pk)])
    assert clear(dt.timedelta(0)) == 0
    ask(ada, found)
    assert kept.path.exists()


def test_one_that_was_cleared_away_is_missed_before_it_is_sent(ada: User, clear: Clear) -> None:
    kept = put(ada)
    assert clear() == 1
    with pytest.raises(CannotAttach, match="attach it again"):
        taken(user=ada, ids=[str(kept.pk)])


def test_what_another_names_does_not_count(ada: User, eve: User, clear: Clear) -> None:
    """A file can hang on its owner's messages only; a forged id in another's keeps nothing."""
    kept = put(ada)
    turn = ask(eve)
    turn.messages[0].files = as_json([kept])
    turn.messages[0].save()
    assert clear() == 1


def test_many_go_bit_by_bit(ada: User, clear: Clear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.attachment_cleanup.AT_ONCE", 2)
    for number in range(5):
        put(ada, str(number))
    assert [clear() for _ in range(4)] == [2, 2, 1, 0]


def test_bytes_that_no_row_knows_go_once_they_are_old(ada: User, settings: Settings) -> None:
    kept = put(ada)
    stray = path_of("00000000-0000-4000-8000-000000000000")
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"left by a crash")
    foreign = stray.with_name("README")
    foreign.write_text("not ours")
    assert sweep_strays() == 0, "it may be just being written"
    for path in (stray, foreign, kept.path):
        long_ago = (timezone.now() - LATER).timestamp()
        os.utime(path, (long_ago, long_ago))
    assert sweep_strays() == 1
    assert not stray.exists()
    assert foreign.exists()
    assert kept.path.exists()


def test_the_command_clears_everything(ada: User) -> None:
    put(ada)
    Attachment.objects.update(used_at=timezone.now() - LATER)
    told = StringIO()
    call_command("purge_deleted", stdout=told)
    assert "1 files that nothing referred to are gone" in told.getvalue()
    assert AT_ONCE > 1


# --- The bound of a person's files


def test_all_files_of_a_person_stay_within_their_bound(
    ada: User, eve: User, settings: Settings
) -> None:
    settings.MAX_ATTACHMENTS_MB_PER_USER = 1
    put(ada, "x" * 300_000)
    put(ada, "x" * 300_000)
    put(ada, "x" * 300_000)
    with pytest.raises(CannotAttach, match="may have 1 MB in all"):
        put(ada, "x" * 100_001)
    put(ada, "x" * 100_000)
    put(eve, "x" * 300_000)
    assert Attachment.objects.filter(user=ada).count() == 4
    written = [path for path in Path(settings.ATTACHMENT_DIR).rglob("*") if path.is_file()]
    assert len(written) == 5, "what is refused leaves nothing behind"
