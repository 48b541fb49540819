"""Files out and in: nothing lost on the way round, nothing half brought in, nothing believed."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import User
from billing.models import Call, UsageRecord
from chat.exporting import all_in_one, as_json, as_markdown, file_name, one_file
from chat.import_formats import CannotImport, Talk, read_file
from chat.importing import Imported, import_file
from chat.models import Conversation, Message, Role
from chat.organise import create_folder
from chat.services import branch
from chat.shown import Branch

MOST = 1_000_000


def bring_in(user: User, content: object, *, most_bytes: int = MOST) -> Imported:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return import_file(user, io.BytesIO(data), most_bytes=most_bytes)


def read(content: object) -> list[Talk]:
    return read_file(json.dumps(content).encode())


def node(key: str, parent: str | None, role: str = "user", text: str = "", **more: Any) -> Any:
    """One node of a ChatGPT export; `more` goes into its message."""
    message = {
        "author": {"role": role},
        "content": {"content_type": "text", "parts": [text or key]},
        "create_time": 1_700_000_000.5,
        "recipient": "all",
        "metadata": {"model_slug": "gpt-x"},
    }
    return {"id": key, "parent": parent, "children": [], "message": message | more}


def export(*nodes: Any, **more: Any) -> dict[str, Any]:
    mapping = {it["id"]: it for it in nodes}
    about = {"title": "Talk", "create_time": 1_700_000_000, "conversation_id": "c1"}
    return about | {"mapping": mapping, "current_node": nodes[-1]["id"] if nodes else None} | more


def texts(talk: Talk) -> list[str]:
    """The branch on show."""
    path, at = [], talk.head
    while True:
        path.append(talk.notes[at].text)
        parent = talk.notes[at].parent
        if parent is None:
            return path[::-1]
        assert parent < at
        at = parent


@pytest.fixture
def tree(ada: User) -> Conversation:
    """A question with two answers, the second on show, in a folder, with instructions."""
    talk = Conversation.objects.create(
        user=ada, title="Tree / of ..\\ life", system_prompt="Be brief.",
        folder=create_folder(ada, "Work"), is_pinned=True,
    )  # fmt: skip
    question = Message.objects.create(conversation=talk, role=Role.USER, text="Why? 🎉\n\n`x`")
    for text in ("First <b>", "Second"):
        talk.head = Message.objects.create(
            conversation=talk, parent=question, role=Role.ASSISTANT, text=text,
            reasoning="hm", served_model="acme/one",
        )  # fmt: skip
    talk.save()
    return talk


# --- Out


def test_markdown_is_the_branch_on_show(tree: Conversation) -> None:
    assert as_markdown(tree) == (
        "# Tree / of ..\\ life\n\n## Instructions\n\nBe brief.\n\n"
        "## You\n\nWhy? 🎉\n\n`x`\n\n## Answer (acme/one)\n\nSecond\n"
    )


def test_a_file_name_is_letters_and_dashes(tree: Conversation) -> None:
    assert file_name(tree, "md") == "Tree-of-life.md"
    tree.title = '../"\r\n'
    assert file_name(tree, "json") == "conversation.json"


def test_a_file_is_to_be_kept_and_never_run(tree: Conversation, client: Client) -> None:
    client.force_login(tree.user)
    for name in ("markdown", "json"):
        response = client.get(reverse(f"chat:{name}", args=[tree.pk]))
        assert response["Content-Disposition"].startswith("attachment")
        assert response["X-Content-Type-Options"] == "nosniff"


def test_anothers_is_not_exported(tree: Conversation, client: Client, eve: User) -> None:
    client.force_login(eve)
    for name in ("markdown", "json"):
        assert client.get(reverse(f"chat:{name}", args=[tree.pk])).status_code == 404


async def test_everything_is_one_file(tree: Conversation, eve: User) -> None:
    whole = json.loads("".join([piece async for piece in all_in_one(tree.user)]))
    assert [it["title"] for it in whole["conversations"]] == [tree.title]
    assert json.loads("".join([piece async for piece in all_in_one(eve)]))["conversations"] == []


# --- Round


def test_what_goes_out_comes_back_the_same(tree: Conversation, eve: User) -> None:
    assert bring_in(eve, one_file(tree).encode()) == Imported(1, 3, 0)
    back = Conversation.objects.get(user=eve)
    before, after = as_json(tree), as_json(back)
    for file in (before, after):
        keys = [message["id"] for message in file["messages"]]
        file["head"] = keys.index(file["head"])
        for message in file["messages"]:
            message["parent"] = keys.index(message["parent"]) if message["parent"] else None
            for passing in ("id", "created_at", "ended_at"):
                del message[passing]
        del file["id"]
    assert after == before | {"model": ""}


def test_the_same_file_adds_nothing_the_second_time(tree: Conversation, eve: User) -> None:
    data = one_file(tree).encode()
    bring_in(eve, data)
    assert bring_in(eve, data) == Imported(0, 0, 1)
    assert bring_in(tree.user, data) == Imported(0, 0, 1), "it is where it came from"
    assert Conversation.objects.count() == 2


def test_a_file_books_nothing(tree: Conversation, eve: User) -> None:
    content = json.loads(one_file(tree))
    content["conversations"][0] |= {"user": tree.user.pk, "user_id": tree.user.pk}
    content["conversations"][0]["messages"][0] |= {
        "cost_usd": "-5", "usage": 1, "call": 1, "html": "<script>", "owner": "x",
        "state": "streaming", "requested_by": 1,
    }  # fmt: skip
    bring_in(eve, content)
    message = Message.objects.filter(conversation__user=eve).earliest("pk")
    assert (message.html, message.owner, message.state) == ("", "", "done")
    assert message.usage is None
    assert not Call.objects.exists()
    assert not UsageRecord.objects.exists()


def test_what_came_in_is_drawn_when_it_is_looked_at(tree: Conversation, eve: User) -> None:
    bring_in(eve, one_file(tree).encode())
    back = Conversation.objects.get(user=eve)
    assert Branch(back).newest().messages[-1].html == "<p>Second</p>\n"
    assert back.messages.latest("pk").html == "<p>Second</p>\n"


# --- ChatGPT's


def test_chatgpts_export_is_read(ada: User) -> None:
    content = [
        export(
            node("root", None, "system", ""),
            node("q", "root", text="Why?"),
            node("hidden", "q", "system"),
            node("a1", "hidden", "assistant", "Because."),
            node("a2", "hidden", "assistant", "For."),
            title="",
            is_archived=True,
            current_node="a1",
        )
    ]
    assert bring_in(ada, content) == Imported(1, 3, 0)
    talk = Conversation.objects.get()
    assert [message.text for message in branch(talk)] == ["Why?", "Because."]
    assert (talk.title, talk.created_at.year) == ("Why?", 2023)
    assert talk.archived_at
    assert {m.served_model for m in Message.objects.filter(role=Role.ASSISTANT)} == {"gpt-x"}


def test_what_a_person_would_not_see_is_left_out() -> None:
    [talk] = read(
        [
            export(
                node("q", None, text="Why?"),
                node("tool", "q", "tool", "result"),
                node("call", "tool", "assistant", "search(x)", recipient="browser"),
                node("t", "call", "assistant", content={
                    "content_type": "thoughts", "thoughts": [{"content": "Let me think."}]}),
                node("a", "t", "assistant", "Part one"),
                node("b", "a", "assistant", "and two."),
                node("h", "b", "user", "hidden",
                     metadata={"is_visually_hidden_from_conversation": True}),
            )
        ]
    )  # fmt: skip
    assert texts(talk) == ["Why?", "Part one\n\nand two."]
    assert talk.notes[1].reasoning == "Let me think."


def test_pictures_leave_a_word_behind() -> None:
    parts = ["Look:", {"content_type": "image_asset_pointer", "asset_pointer": "file://x"}]
    content = {"content_type": "multimodal_text", "parts": parts}
    [talk] = read([export(node("q", None, content=content))])
    assert texts(talk) == ["Look:\n\n[image, not in the export]"]


@pytest.mark.parametrize(
    "nodes",
    [
        [node("a", "b"), node("b", "a", "assistant")],
        [node("a", "a")],
        [node("a", "gone"), node("b", "a", "assistant")],
        [*(node(a, b, "system") for a, b in ("ab", "bc", "ca")), node("d", "a")],
        [node("b", "a", "assistant"), node("a", None)],
    ],
    ids=["a circle", "itself", "no parent", "a hidden circle", "the child first"],
)  # fmt: skip
def test_no_tree_is_too_crooked(nodes: list[Any], ada: User) -> None:
    shown = sum(it["message"]["author"]["role"] != "system" for it in nodes)
    assert bring_in(ada, [export(*nodes)]).messages == shown
    assert branch(Conversation.objects.get())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "author": st.fixed_dictionaries(
            {"role": st.sampled_from(["user", "assistant", "tool", 5])}
        ),
        "content": st.fixed_dictionaries(
            {"content_type": st.sampled_from(["text", "code", "thoughts", 1])},
            optional={"parts": JSON, "text": JSON, "thoughts": JSON},
        ),
        "create_time": JSON,
        "recipient": JSON,
        "metadata": JSON,
    },
)
KEYS = st.sampled_from(list("abcdef"))
NODES = st.fixed_dictionaries({"parent": KEYS | JSON, "message": MESSAGES | JSON})


@given(st.dictionaries(KEYS, NODES | JSON), KEYS | JSON, JSON)
def test_a_file_that_drifted_is_read_or_refused_and_its_tree_holds(
    mapping: Mapping[str, Any], current: Any, title: Any
) -> None:
    content = [{"mapping": mapping, "current_node": current, "title": title, "create_time": title}]
    if not _is_json(content):
        return
    for talk in read(content):
        assert texts(talk)
        assert all(note.parent is None or note.parent < at for at, note in enumerate(talk.notes))


def _is_json(content: object) -> bool:
    try:
        json.dumps(content, allow_nan=False).encode()
    except (ValueError, UnicodeEncodeError):
        return False
    return True


# --- All or nothing


def test_one_that_cannot_be_saved_takes_all_others_with_it(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = [
        export(node("q", None), node("a", "q", "assistant"), conversation_id=f"{n}")
        for n in range(3)
    ]

    def breaks(*args: Any, **kwargs: Any) -> Any:
        assert Conversation.objects.count() == 3
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(Message.objects, "bulk_update", breaks)
    with pytest.raises(RuntimeError):
        bring_in(ada, content)
    assert not Conversation.objects.exists()
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 5000, "no JSON"),
        (b"{}", "neither"),
        (b"[]", "neither"),
        (b"[1, 2]", "neither"),
        (b'{"format": "switchboard-conversations", "version": 99}', "newer"),
        (b'{"format": "switchboard-conversations", "version": 1}', "no list"),
        (b'{"format": "switchboard-conversations", "version": 1, "conversations": []}', "no conv"),
        (b'[{"mapping": {}}]', "no conversation"),
        (b"PK\x03\x04 and then nothing", "zip file cannot be read"),
    ],
)
def test_what_is_no_such_file_is_told_so(ada: User, data: bytes, why: str) -> None:
    with pytest.raises(CannotImport) as told:
        bring_in(ada, data)
    assert why in told.value.for_person
    assert not Conversation.objects.exists()


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_json", ".json"), content)
    return buffer.getvalue()


def test_the_zip_that_chatgpt_sends_is_read(ada: User) -> None:
    one, two = (json.dumps([export(node("q", None), conversation_id=ref)]).encode() for ref in "ab")
    data = zipped(chat_json=b"not this", conversations_json=one, **{"conversations-001_json": two})
    assert bring_in(ada, data) == Imported(2, 2, 0)


def test_a_zip_without_conversations_is_told_so(ada: User) -> None:
    with pytest.raises(CannotImport, match=r"no conversations\.json"):
        bring_in(ada, zipped(other_json=b"[]"))


def test_a_zip_that_unfolds_without_end_is_refused(ada: User) -> None:
    bomb = zipped(conversations_json=b" " * 20_000_000)
    assert len(bomb) < 100_000
    with pytest.raises(CannotImport, match="too large"):
        bring_in(ada, bomb)


def test_too_large_a_file_is_refused_with_its_limit(ada: User) -> None:
    with pytest.raises(CannotImport, match="at most 1 MB"):
        bring_in(ada, b"[" + b" " * MOST + b"]")


def test_a_long_chain_takes_no_time_that_grows_with_its_square(ada: User) -> None:
    """Each hidden node is looked at once: 20,000 of them, with a branch at each end."""
    hidden = [node(f"h{n}", f"h{n - 1}" if n else None, "system") for n in range(20_000)]
    ends = [node(f"q{n}", "h19999") for n in range(2_000)]
    [talk] = read([export(*hidden, *ends)])
    assert len(talk.notes) == 2_000


# --- The page


def test_a_file_is_brought_in_over_the_page(client: Client, ada: User, settings: Settings) -> None:
    client.force_login(ada)
    data = json.dumps([export(node("q", None), node("a", "q", "assistant"))]).encode()
    url = reverse("chat:import")
    html = client.post(url, {"file": SimpleUploadedFile("c.json", data)}).content.decode()
    assert "1 conversation with 2 messages came in." in html
    settings.MAX_IMPORT_MB = 0
    refused = client.post(url, {"file": SimpleUploadedFile("c.json", data)})
    assert refused.status_code == 400
    assert "too large" in refused.content.decode()
    assert client.post(url).status_code == 400
