"""Everything an emulator remembers between two requests."""

from __future__ import annotations

from collections import OrderedDict

from openrouter.emulator.bill import Bill
from openrouter.emulator.catalogue import load
from openrouter.emulator.clock import Clock
from openrouter.emulator.faults import FaultBox
from openrouter.emulator.generation import Generation, Sent
from openrouter.emulator.grants import Grant
from openrouter.emulator.keys import Accounts
from openrouter.emulator.promptcache import PromptCache
from openrouter.emulator.routing import Router
from openrouter.emulator.settings import EmulatorSettings

MOST_KEPT = 2_000  # texts of generations; the bill keeps all of its entries


class World:
    """The state of one emulator. `open`: generations that are being written just now."""

    def __init__(self, settings: EmulatorSettings) -> None:
        self.settings = settings
        self.catalogue = load()
        self.clock = Clock()
        self.bill = Bill()
        self.accounts = Accounts(settings, self.bill, self.clock)
        self.faults = FaultBox(settings)
        self.router = Router(self.catalogue, settings.seed)
        self.cache = PromptCache()
        self.sent: OrderedDict[str, Sent] = OrderedDict()
        self.grants: dict[str, Grant] = {}
        self.open: dict[str, Generation] = {}

    def began(self, generation: Generation) -> None:
        self.open[generation.id] = generation
        self.sent[generation.id] = generation.sent
        while len(self.sent) > MOST_KEPT:
            self.sent.popitem(last=False)

    def ended(self, generation: Generation, *, left: bool) -> None:
        self.open.pop(generation.id, None)
        generation.sent.pack()
        self.bill.add(generation.entry(self.clock.now(), left=left))

    def clear(self) -> None:
        """Forget everything but the settings and the catalogue."""
        self.clock.ahead *= 0
        for part in (
            self.bill,
            self.accounts,
            self.faults,
            self.router,
            self.cache,
            self.sent,
            self.grants,
        ):
            part.clear()
