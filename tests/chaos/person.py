"""A person with a conversation in some tabs: asks, stops, reloads, retries, waits for the end."""

from __future__ import annotations

import asyncio
import random
import re
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.page import parse
from tests.chaos.prompts import prompt
from tests.chaos.tab import Tab
from tests.chaos.visit import GaveUp, Visit
from tests.chaos.witness import Witness

SETTLES_S = 120.0  # a reply that no tab shows as ended after this long is stuck, for its reader
TURNS = 8  # of one conversation, about
REPLY = re.compile(r'id="m(\d+)" class="message assistant"')
RETRYABLE = ("stopped", "interrupted", "failed")


@dataclass
class Shared:
    """What all people of a run share."""

    witness: Witness
    left: int  # replies that may still be asked for
    until_s: float  # by time.monotonic(): after it, nothing more is asked for
    visits: list[Visit] = field(default_factory=list)
    tabs: set[Tab] = field(default_factory=set)
    asked: dict[str, str] = field(default_factory=dict)  # prompt → nonce, once it was taken
    stamped: set[str] = field(default_factory=set)  # prompts with time in their answers
    retried: set[str] = field(default_factory=set)  # nonces of retries that were taken
    stops_s: list[float] = field(default_factory=list)
    did: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)  # what no reader should have to see

    def take(self) -> bool:
        """Whether one more reply may be asked for."""
        if self.left <= 0 or time.monotonic() > self.until_s:
            return False
        self.left -= 1
        return True


class Person:
    def __init__(self, name: str, visit: Visit, shared: Shared, chance: random.Random) -> None:
        self.name = name
        self.visit, self._shared, self._chance = visit, shared, chance
        self._tabs: list[Tab] = []
        self._turns = 0
        self._is_plain = True
        self._path = ""

    async def work(self) -> None:
        """Ask until enough was asked for, or the time is over."""
        while self._shared.take():
            try:
                if not self._path or self._chance.random() < 1 / TURNS:
                    reply = await self._begin()
                else:
                    reply = await self._ask()
                state = await self._follow(reply)
                while state in RETRYABLE and self._chance.random() < 0.7 and self._shared.take():
                    reply = await self._retry(reply)
                    state = await self._follow(reply)
            except GaveUp as error:
                self._shared.faults.append(f"{self.name} gave up: {error}")
                self._path = ""
        await self._leave()

    # --- Asking ---

    def _form(self) -> dict[str, str]:
        self._turns += 1
        chosen = prompt(self._chance, f"{self.name}-{self._turns}", is_plain=self._is_plain)
        nonce = secrets.token_hex(16)
        if chosen.is_stamped:
            self._shared.stamped.add(chosen.text)
        return {"prompt": chosen.text, "model": "", "nonce": nonce}

    async def _begin(self) -> int:
        """A new conversation, in a new tab."""
        await self._leave()
        self._is_plain = self._chance.random() < 0.75
        form = self._form()
        answer = await self.visit.post("/send/", form, htmx=False)
        self._shared.asked[form["prompt"]] = form["nonce"]
        self._path = answer.header("location")
        tab = await self._open_tab()
        self._shared.did["conversation"] += 1
        return tab.last_reply()

    async def _ask(self) -> int:
        form = self._form()
        tab = self._chance.choice(self._tabs)
        answer = await self.visit.post(f"{self._path}send/", form, htmx=True)
        self._shared.asked[form["prompt"]] = form["nonce"]
        return self._shown(tab, answer.body.decode())

    async def _retry(self, failed: int) -> int:
        nonce = secrets.token_hex(16)
        tab = self._chance.choice(self._tabs)
        form = {"nonce": nonce, "model": ""}
        answer = await self.visit.post(f"/m/{failed}/retry/", form, htmx=True)
        self._shared.retried.add(nonce)
        self._shared.did["retry"] += 1
        return self._shown(tab, answer.body.decode())

    def _shown(self, tab: Tab, frame: str) -> int:
        """The answer to a command is shown by the tab that gave it; the reply that it tells of."""
        found = REPLY.findall(frame)
        if not found:
            raise GaveUp(f"an answer without a reply: {parse(frame).text()[:200]!r}")
        tab.show(frame)
        return int(found[-1])

    # --- While it is answered ---

    async def _follow(self, reply: int) -> str:
        """Do what people do meanwhile, until every tab shows the end; the state of the reply."""
        meanwhile = asyncio.create_task(self._be_restless(reply))
        try:
            async with asyncio.timeout(SETTLES_S):
                await self._tabs[0].has_settled(reply)
                await meanwhile
                states = {await tab.has_settled(reply) for tab in self._tabs}
        except TimeoutError:
            self._shared.faults.append(f"{self.name}: reply {reply} was never shown as ended")
            self._path = ""
            return "stuck"
        finally:
            meanwhile.cancel()
        if len(states) > 1:
            self._shared.faults.append(f"reply {reply} is {states} at once")
        await asyncio.sleep(self._chance.uniform(0, 0.3))
        return states.pop()

    async def _be_restless(self, reply: int) -> None:
        """Reload, open and close tabs, lose the network, sleep, stop."""
        deeds = {
            "reload": (0.35, self._reload),
            "second tab": (0.25, self._open_second),
            "cut socket": (0.25, self._cut),
            "slow tab": (0.1, self._sleep),
            "stop elsewhere": (0.15, lambda: self._stop(reply)),
        }
        chosen = [name for name, (share, _) in deeds.items() if self._chance.random() < share]
        self._chance.shuffle(chosen)
        for name in chosen:
            await asyncio.sleep(self._chance.uniform(0, 2))
            self._shared.did[name] += 1
            await deeds[name][1]()

    async def _reload(self) -> None:
        await self._chance.choice(self._tabs).load()

    async def _open_second(self) -> None:
        if len(self._tabs) > 2:
            closed = self._tabs.pop()
            self._shared.tabs.discard(closed)
            await closed.close()
        await self._open_tab()

    async def _cut(self) -> None:
        self._chance.choice(self._tabs).cut()

    async def _sleep(self) -> None:
        self._chance.choice(self._tabs).fall_asleep(self._chance.uniform(0.5, 3))

    async def _stop(self, reply: int) -> None:
        """Stop at another server than the tab's."""
        tab = self._tabs[0]
        since = time.monotonic()
        await self.visit.post(f"/m/{reply}/stop/", {}, but=tab.port, htmx=True)
        if await tab.has_settled(reply) == "stopped":
            self._shared.stops_s.append(time.monotonic() - since)

    async def _open_tab(self) -> Tab:
        name = f"{self.name}/{len(self._tabs)}/{self._turns}"
        tab = Tab(
            name,
            self.visit,
            self._path,
            self._shared.witness,
            self._chance,
            is_plain=self._is_plain,
        )
        tab.port = self._tabs[0].port if self._tabs else 0
        await tab.load()
        self._tabs.append(tab)
        self._shared.tabs.add(tab)
        return tab

    async def _leave(self) -> None:
        for tab in self._tabs:
            self._shared.tabs.discard(tab)
            await tab.close()
        self._tabs.clear()
