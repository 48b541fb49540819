"""The list of conversations: by date, with folders, and with the names that they are given."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from accounts.management.commands.create_demo import PASSWORD, USERNAME
from tests import processes
from tests.browser.pages import ChatPage
from tests.processes import Running

pytestmark = pytest.mark.browser


def file_of(dates: dict[str, dt.datetime]) -> bytes:
    """An export of ours with a conversation of each name, last touched at its time."""
    conversations = [
        {
            "id": f"{name}-{when:%f}",
            "title": name,
            "created_at": when.isoformat(),
            "updated_at": when.isoformat(),
            "folder": "Imported" if name == "Filed" else None,
            "messages": [{"id": 1, "parent": None, "role": "user", "text": name}],
        }
        for name, when in dates.items()
    ]
    head = {"format": "switchboard-conversations", "version": 1}
    return json.dumps(head | {"conversations": conversations}).encode()


def bring_in(chat: ChatPage, data: bytes) -> None:
    chat.open("/library/files/")
    chat.page.get_by_label("File of conversations").set_input_files(
        {"name": "talks.json", "mimeType": "application/json", "buffer": data}
    )
    chat.page.get_by_role("button", name="Import").click()


def group(chat: ChatPage, name: str) -> Locator:
    heading = chat.page.get_by_role("heading", name=f"Conversations: {name}", exact=True)
    return chat.page.locator("#sidebar section").filter(has=heading)


def test_conversations_are_listed_by_date_newest_first(chat: ChatPage) -> None:
    now = dt.datetime.now(dt.UTC)
    last_year = now - dt.timedelta(days=400)
    periods = {
        "Of today": ("Today", now),
        "Of yesterday": ("Yesterday", now - dt.timedelta(days=1)),
        "Of this week": ("Previous 7 days", now - dt.timedelta(days=4)),
        "Of this month": ("Previous 30 days", now - dt.timedelta(days=20)),
        "Of last year": (f"{last_year:%B %Y}", last_year),
    }
    filed = {"Filed": now}
    bring_in(chat, file_of({name: when for name, (_, when) in periods.items()} | filed))
    chat.open()
    for name, (period, _) in periods.items():
        expect(group(chat, period).get_by_role("link", name=name, exact=True)).to_be_visible()
    headings = chat.page.locator("#sidebar h2").all_inner_texts()
    order = [next(i for i, text in enumerate(headings) if p in text) for p, _ in periods.values()]
    assert order == sorted(order)
    folder = chat.page.locator("#sidebar .folder", has_text="Imported")
    expect(folder.get_by_role("link", name="Filed", exact=True)).to_be_hidden()
    folder.locator("summary").click()
    expect(folder.get_by_role("link", name="Filed", exact=True)).to_be_visible()
    chat.page.reload()
    expect(folder.get_by_role("link", name="Filed", exact=True)).to_be_visible()


def test_a_file_that_goes_in_circles_comes_in_and_a_broken_one_leaves_nothing(
    chat: ChatPage,
) -> None:
    def node(parent: str, role: str, text: str) -> dict[str, object]:
        content = {"content_type": "text", "parts": [text]}
        return {"parent": parent, "message": {"author": {"role": role}, "content": content}}

    circle = {
        "title": "From elsewhere",
        "conversation_id": "circle",
        "current_node": "b",
        "mapping": {
            "root": {"parent": "b", "message": None},
            "a": node("root", "user", "Round?"),
            "b": node("a", "assistant", "And **round**."),
        },
    }
    whole = json.dumps([circle]).encode()
    bring_in(chat, whole[:-3])
    expect(chat.page.get_by_role("alert")).to_contain_text("Nothing was brought in")
    chat.open()
    expect(chat.page.get_by_role("link", name="From elsewhere", exact=True)).to_have_count(0)
    bring_in(chat, whole)
    expect(chat.page.get_by_role("status")).to_contain_text("1 conversation with 2 messages")
    chat.open()
    chat.page.get_by_role("link", name="From elsewhere", exact=True).click()
    expect(chat.questions).to_contain_text("Round?")
    expect(chat.text.locator("strong")).to_have_text("round")
    bring_in(chat, whole)
    expect(chat.page.get_by_role("status")).to_contain_text("1 was here already")


def test_a_conversation_is_named_by_its_first_words(chat: ChatPage) -> None:
    chat.ask("Why do cats purr? [[say: They are content.]]")
    chat.ends()
    expect(chat.page.locator("#title")).to_contain_text("Why do cats purr?")
    expect(chat.page.locator("#sidebar [aria-current]")).to_contain_text("Why do cats purr?")
    assert "Why do cats purr?" in chat.page.title()


def test_a_cheap_model_writes_the_name_and_its_cost_is_told(
    browser: Browser, emulator: Running, installed: Path, tmp_path: Path
) -> None:
    shutil.copytree(installed, tmp_path, dirs_exist_ok=True)
    env = processes.environment(tmp_path, emulator.url, TITLES="model")
    with (
        processes.switchboard(env, tmp_path / "log") as server,
        browser.new_context() as context,
    ):
        chat = ChatPage(context.new_page(), server.url)
        chat.sign_in(USERNAME, PASSWORD)
        prompt = "Why do cats purr at night? [[say: They are content.]]"
        chat.ask(prompt)
        chat.ends()
        title = chat.page.locator("#title")
        expect(title).not_to_contain_text("Why do cats purr at night?")
        named = title.inner_text()
        assert 0 < len(named) <= 80
        expect(chat.page.locator("#sidebar [aria-current]")).to_have_text(named)
        chat.page.reload()
        expect(title).to_have_text(named)
        chat.answer.locator(".receipt > summary").click()
        expect(chat.answer.locator(".figures")).to_contain_text("title")
