"""T13: a file from elsewhere is refused with words, whatever is in it."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from chat.import_formats import CannotImport
from chat.importing import import_file
from chat.models import Conversation
from tests.chat.test_transfer import bring_in, export, node

MANY = 2_000


def ours(*conversations: Any) -> dict[str, Any]:
    return {"format": "switchboard-conversations", "version": 1, "conversations": conversations}


def one(**more: Any) -> dict[str, Any]:
    return {"messages": [{"id": 1, "role": "user", "text": "hi"}]} | more


def zipped(kind: int, *, spoiled: bool = True) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as archive:
        archive.writestr("conversations.json", json.dumps([export(node("a", None))] * 50))
    data = bytearray(out.getvalue())
    if spoiled:
        start = 30 + len("conversations.json")
        data[start + 20 : start + 60] = bytes(range(200, 240))
    return bytes(data)


def named_in_no_encoding() -> bytes:
    """A zip whose name says that it is UTF-8, and is not."""
    data = bytearray(zipped(zipfile.ZIP_STORED, spoiled=False))
    at = data.index(b"PK\x01\x02")
    flags = struct.unpack_from("<H", data, at + 8)[0] | 0x800
    struct.pack_into("<H", data, at + 8, flags)
    data[at + 46] = 0xFF
    return bytes(data)


HOSTILE: dict[str, object] = {
    "deflate spoiled": zipped(zipfile.ZIP_DEFLATED),
    "bzip2 spoiled": zipped(zipfile.ZIP_BZIP2),
    "lzma spoiled": zipped(zipfile.ZIP_LZMA),
    "a name in no encoding": named_in_no_encoding(),
    "a folder of blanks": ours(one(folder=" ")),
    "too many folders": ours(*(one(folder=f"f{n}") for n in range(1_000))),
    "nested for ever": b"[" * 1_000_000,
    "an endless number": b'[{"mapping": {}, "create_time": ' + b"9" * 9_000 + b"}]",
    "an endless key": b'{"format": "switchboard-conversations", "version": 1, "conversations":'
    b'[{"head": ' + b"9" * 9_000 + b', "messages": []}]}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_t13_it_is_refused_with_words_or_taken_and_nothing_else(ada: User, name: str) -> None:
    told = ""
    try:
        bring_in(ada, HOSTILE[name], most_bytes=25_000_000)
    except CannotImport as error:
        told = error.for_person
    assert bool(told) != Conversation.objects.exists()


def test_t13_a_chain_costs_no_more_questions_than_a_crowd(
    ada: User, django_assert_max_num_queries: Any
) -> None:
    """Every question holds SQLite's one writer: one for each message held it for minutes."""
    chain = export(*(node(f"n{n}", f"n{n - 1}" if n else None) for n in range(MANY)))
    with django_assert_max_num_queries(MANY // 10):
        bring_in(ada, chain, most_bytes=25_000_000)
    messages = Conversation.objects.get().messages.order_by("pk")
    pairs = list(messages.values_list("pk", "parent_id"))
    assert [parent for _, parent in pairs[1:]] == [pk for pk, _ in pairs[:-1]]


def test_t13_a_bomb_is_read_no_further_than_is_allowed(ada: User) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", b"[" + b" " * 50_000_000)
    assert len(out.getvalue()) < 100_000
    with pytest.raises(CannotImport, match="too large"):
        import_file(ada, io.BytesIO(out.getvalue()), most_bytes=1_000_000)


def test_t13_what_no_database_keeps_is_made_harmless(ada: User) -> None:
    talk = one(title="a\0b", folder="f\0", instructions="i\0")
    talk["messages"][0] |= {"text": "x\0y", "model": "m\0", "reasoning": "\0"}
    bring_in(ada, json.dumps(ours(talk)).encode())
    kept = Conversation.objects.get()
    message = kept.messages.get()
    told = [kept.title, kept.system_prompt, message.text, message.served_model]
    assert kept.folder is not None
    assert not any("\0" in text for text in [*told, kept.folder.name])


def test_t13_an_import_says_nothing_of_money_owners_or_files(ada: User, eve: User) -> None:
    """T5, T9: a file gives no cost, no owner, no attachment and no link."""
    talk = one(user_id=eve.pk, user="eve", wishes={"dial": 9}, token="x", shares=[{"token": "x"}])
    talk["messages"][0] |= {
        "files": [{"id": "../../etc/passwd", "kind": "text", "name": "a"}],
        "html": "<script>alert(1)</script>", "cost_usd": "-5", "call": 1, "usage": 1,
        "requested_by": eve.pk, "state": "streaming", "annotations": [{"type": "file"}],
    }  # fmt: skip
    bring_in(ada, ours(talk))
    kept = Conversation.objects.get()
    message = kept.messages.get()
    assert (kept.user, kept.wishes, kept.shares.count()) == (ada, {}, 0)
    assert (message.files, message.html, message.annotations) == (None, "", None)
    assert (message.call, message.usage, message.requested_by, message.state) == (
        None, None, None, "done",
    )  # fmt: skip


def test_t13_the_page_says_why(ada: User, client: Client) -> None:
    client.force_login(ada)
    upload = SimpleUploadedFile("c.json", json.dumps(ours(one(folder=" "))).encode())
    answer = client.post("/library/files/import/", {"file": upload})
    assert answer.status_code in (200, 400)
