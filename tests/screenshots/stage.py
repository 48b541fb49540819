"""A server with the team's data in a folder of its own, and the browsers that look at it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests import processes
from tests.browser.pages import ChatPage
from tests.screenshots.small import smaller
from tests.screenshots.words import FLOW, ME, NOTE, PASSWORD, POOL, TICKETS

WIDE: Final = {"width": 1280, "height": 800}
PHONE: Final = {"width": 375, "height": 760}
PATIENCE_MS: Final = 30_000
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
# What most people's systems have are not ours to install: their nearest free relatives.
FONTS: Final = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  {aliases}
</fontconfig>
"""
ALIAS: Final = """<match target="pattern"><test name="family"><string>{name}</string></test>
  <edit name="family" mode="prepend" binding="strong"><string>{font}</string></edit></match>"""
RELATIVES: Final = {
    **dict.fromkeys(("system-ui", "sans", "sans-serif", "Sans"), "Inter"),
    "ui-serif": "TeX Gyre Pagella",
}


@dataclass(frozen=True)
class Stage:
    """`picture` is called with what is on show; it is taken in both themes."""

    url: str
    browser: Browser
    folder: Path
    state: Path  # of somebody who is signed in

    @contextmanager
    def chat(self, *, phone: bool = False, signed_in: bool = True) -> Iterator[ChatPage]:
        """A tab on the empty page; on a phone, or on a desk."""
        with self._context(phone=phone, signed_in=signed_in) as context:
            chat = ChatPage(context.new_page(), self.url)
            chat.open()
            yield chat

    def _context(self, *, phone: bool, signed_in: bool) -> BrowserContext:
        return self.browser.new_context(
            viewport=PHONE if phone else WIDE,  # type: ignore[arg-type]
            device_scale_factor=2 if phone else 1.25,
            is_mobile=phone,
            has_touch=phone,
            storage_state=self.state if signed_in else None,
        )

    def picture(self, page: Page, name: str, *, pause_ms: int = 0) -> None:
        """Write `name`-light.png and `name`-dark.png of what is on show.

        `pause_ms`: how long the page may take to follow the theme.
        """
        taken = {}
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(pause_ms)
            taken[scheme] = page.screenshot(animations="disabled")
        with self.browser.new_context() as plain:
            blank = plain.new_page()
            for scheme, png in taken.items():
                small = smaller(png, blank)
                path = self.folder / f"{name}-{scheme}.png"
                path.write_bytes(small)
                sys.stdout.write(f"{path.name}: {len(small) / 1000:.0f} kB\n")
                sys.stdout.flush()


@contextmanager
def stage(scratch: Path, pictures: Path) -> Iterator[Stage]:
    """Install, start, let the team talk, and put six weeks behind them."""
    expect.set_options(timeout=PATIENCE_MS)
    port = processes.free_port()
    offline = processes.environment(scratch)
    command = [sys.executable, "-m", "tests.screenshots.upstream", str(port)]
    with processes.listening(command, offline, port, scratch / "upstream.log") as upstream:
        env = processes.environment(scratch, upstream.url)
        processes.install(env)
        _team(env, "people")
        with (
            processes.switchboard(env, scratch / "server.log") as server,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), env=_fonts(scratch)
            )
            state = scratch / "state.json"
            with browser.new_context() as context:
                chat = ChatPage(context.new_page(), server.url)
                chat.sign_in(ME, PASSWORD)
                context.storage_state(path=state)
                _talk(chat)
            _team(env, "weeks")
            yield Stage(server.url, browser, pictures, state)
            browser.close()


def _fonts(scratch: Path) -> dict[str, str | float | bool]:
    """Chromium's environment: with fonts-inter and fonts-texgyre, where they are installed."""
    aliases = [ALIAS.format(name=name, font=font) for name, font in RELATIVES.items()]
    path = scratch / "fonts.conf"
    path.write_text(FONTS.format(aliases="\n  ".join(aliases)))
    return {**os.environ, "FONTCONFIG_FILE": str(path)}


def _team(env: dict[str, str], what: str) -> None:
    command = [sys.executable, "-m", "tests.screenshots.team", what]
    subprocess.run(command, cwd=processes.ROOT, env=env, check=True)


def _talk(chat: ChatPage) -> None:
    """What the pictures show of conversations, really asked and answered."""
    chat.ask(POOL)
    chat.ends()
    chat.open()
    chat.ask(FLOW)
    chat.ends()
    chat.open()
    chat.ask(TICKETS)
    chat.ends("failed")
    chat.open()
    choose(chat, "anthropic/claude-sonnet-4.5")
    chat.page.get_by_role("button", name="Compare with a second model").click()
    _find(chat, "openai/gpt-5-mini")
    chat.composer.fill(NOTE)
    chat.composer.press("Enter")
    expect(chat.page.locator('.pair [data-state="done"]')).to_have_count(2)


def choose(chat: ChatPage, model: str) -> None:
    """Pick the model that answers."""
    chat.page.locator(".chip").click()
    _find(chat, model)


def _find(chat: ChatPage, model: str) -> None:
    expect(chat.page.locator("#picker .star").first).to_be_attached()
    search = chat.page.get_by_label("Find a model")
    search.fill(model)
    search.press("Enter")
