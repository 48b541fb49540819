"""The pictures, each a small story that ends with what is to be seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from playwright.sync_api import Page, expect

from tests.browser.pages import ChatPage
from tests.screenshots.stage import Stage
from tests.screenshots.words import HASH

Shot = Callable[[Stage], None]


def sign_in(stage: Stage) -> None:
    with stage.chat(signed_in=False) as chat:
        expect(chat.page.get_by_role("button", name="Sign in")).to_be_visible()
        stage.picture(chat.page, "sign-in")


def empty(stage: Stage) -> None:
    with stage.chat() as chat:
        expect(chat.page.locator("#empty")).to_be_visible()
        stage.picture(chat.page, "empty")


def streaming(stage: Stage) -> None:
    with stage.chat() as chat:
        chat.ask(HASH)
        chat.see(520)
        stage.picture(chat.page, "streaming")


def answer(stage: Stage) -> None:
    with stage.chat() as chat:
        chat.page.set_viewport_size({"width": 1280, "height": 1160})
        opened(chat, "Sizing the database pool")
        stage.picture(chat.page, "answer")


def diagram(stage: Stage) -> None:
    with stage.chat() as chat:
        opened(chat, "How an order travels")
        expect(chat.answer.locator(".diagram img")).to_be_visible()
        stage.picture(chat.page, "diagram", pause_ms=2000)


def receipt(stage: Stage) -> None:
    with stage.chat() as chat:
        opened(chat, "Sizing the database pool")
        chat.answer.locator(".receipt > summary").click()
        expect(chat.answer.locator(".receipt-body")).to_be_visible()
        scroll_to(chat.page, ".receipt", block="center")
        stage.picture(chat.page, "receipt")


def error(stage: Stage) -> None:
    with stage.chat() as chat:
        opened(chat, "Support themes of the week")
        chat.card.get_by_text("Details").click()
        stage.picture(chat.page, "error")


def picker(stage: Stage) -> None:
    with stage.chat() as chat:
        opened(chat, "Sizing the database pool")
        chat.page.locator(".chip").click()
        expect(chat.page.locator("#picker .star").first).to_be_attached()
        stage.picture(chat.page, "picker")


def compare(stage: Stage) -> None:
    with stage.chat() as chat:
        opened(chat, "Release note for the new search")
        expect(chat.page.locator(".pair article")).to_have_count(2)
        stage.picture(chat.page, "compare")


def wishes(stage: Stage) -> None:
    with stage.chat() as chat:
        opened(chat, "Sizing the database pool")
        chat.page.locator("#wishes-button").click()
        expect(chat.page.get_by_role("dialog", name="How to answer")).to_be_visible()
        stage.picture(chat.page, "wishes")


def search(stage: Stage) -> None:
    with stage.chat() as chat:
        opened(chat, "Sizing the database pool")
        chat.page.keyboard.press("ControlOrMeta+k")
        chat.page.keyboard.type("pool")
        expect(chat.page.locator("#search .found mark").first).to_be_visible()
        stage.picture(chat.page, "search")


def reading(stage: Stage) -> None:
    with stage.chat() as chat:
        opened(chat, "Sizing the database pool")
        chat.page.get_by_role("link", name="Reading and keyboard").click()
        expect(chat.page.locator("#sheet")).to_be_visible()
        stage.picture(chat.page, "reading")


def share(stage: Stage) -> None:
    with stage.chat() as chat:
        opened(chat, "Sizing the database pool")
        chat.page.get_by_role("link", name="Options for this conversation").click()
        chat.page.get_by_role("link", name="Share by link").click()
        expect(chat.page.locator("#sheet")).to_be_visible()
        stage.picture(chat.page, "share")


def account(stage: Stage) -> None:
    page_of(stage, "account", "/accounts/")


def usage(stage: Stage) -> None:
    page_of(stage, "usage", "/usage/")


def library(stage: Stage) -> None:
    page_of(stage, "library", "/library/")


def admin_usage(stage: Stage) -> None:
    page_of(stage, "admin-usage", "/admin/billing/usagerollup/")


def admin_ledger(stage: Stage) -> None:
    page_of(stage, "admin-ledger", "/admin/billing/usagerecord/")


def admin_policies(stage: Stage) -> None:
    page_of(stage, "admin-policies", "/admin/routing/policyversion/")


def phone(stage: Stage) -> None:
    with stage.chat(phone=True) as chat:
        chat.page.get_by_role("button", name="Conversations", exact=True).tap()
        stage.picture(chat.page, "phone-drawer")
        chat.page.locator("#sidebar").get_by_role(
            "link", name="Sizing the database pool", exact=True
        ).tap()
        expect(chat.answers).to_have_count(1)
        scroll_to(chat.page, ".message.user")
        stage.picture(chat.page, "phone-chat")


# --- Ways there


def opened(chat: ChatPage, title: str) -> None:
    link = chat.page.locator("#sidebar a.open", has_text=title)  # in a closed folder, too
    path = link.first.get_attribute("href") or "/"
    chat.open(path)
    expect(chat.page.locator("#title")).to_have_text(title)


def scroll_to(page: Page, selector: str, block: str = "start") -> None:
    page.locator(selector).first.evaluate(f"it => it.scrollIntoView({{ block: '{block}' }})")


def page_of(stage: Stage, name: str, path: str) -> None:
    with stage.chat() as chat:
        chat.open(path)
        stage.picture(chat.page, name)


ALL: Final[dict[str, Shot]] = {
    shot.__name__.replace("_", "-"): shot
    for shot in (
        *(sign_in, empty, streaming, answer, diagram, receipt, error, picker, compare, wishes),
        *(
            search,
            reading,
            share,
            account,
            usage,
            library,
            admin_usage,
            admin_ledger,
            admin_policies,
            phone,
        ),
    )
}
