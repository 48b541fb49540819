"""A replay over the stored history: who tells the history is a setting, for it is not ours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Protocol

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from routing.abilities import prior_odds
from routing.artefacts import the_predictor
from routing.decision import Decision
from routing.learned import LearnedOdds, Roster, with_reading
from routing.listing import candidate_of
from routing.models import LanguageModel, PolicyVersion
from routing.policies import DEFAULT, Policy
from routing.prompts import Prompt, read_prompt
from routing.replay import Market, PastTurn, Replay, Report


class History(Protocol):
    """ROUTING_HISTORY: answered messages from `since` on and before `until`, oldest first.

    `newest`: only so many, the latest of them.
    """

    def __call__(
        self, *, since: dt.datetime, until: dt.datetime | None, newest: int | None
    ) -> Iterable[PastTurn]: ...


def replay(
    policy: Policy,
    *,
    since: dt.datetime,
    until: dt.datetime | None = None,
    newest: int | None = None,
    pause: Callable[[], None] = lambda: None,
) -> Report:
    """Decide the stored messages again. `pause` is called between two of them."""
    history: History = import_string(settings.ROUTING_HISTORY)
    again = Replay(policy, todays_market())
    for turn in history(since=since, until=until, newest=newest):
        again.see(turn)
        pause()
    return again.report()


def todays_market() -> Market:
    """The catalogue and the learned router as they are, without anybody's votes."""
    day = timezone.now().date()
    rows = LanguageModel.objects.order_by("slug")
    candidates = tuple(candidate_of(row, today=day) for row in rows)
    predictor = the_predictor()
    odds = prior_odds if predictor is None else LearnedOdds(Roster.of(predictor, candidates))
    most_tokens = settings.MAX_COMPLETION_TOKENS
    return Market(candidates, odds, reread, day, most_tokens, usual_dials())


def usual_dials() -> dict[tuple[str, str], float]:
    rows = PolicyVersion.objects.values_list("name", "number", "dial")
    stored = {(name, str(number)): dial for name, number, dial in rows}
    return {(DEFAULT.name, DEFAULT.version): DEFAULT.dial, **stored}


def reread(turn: PastTurn, then: Decision) -> Prompt:
    """The prompt as it was read then, its history included: of that the decision kept the size."""
    alone = read_prompt(turn.text, needs=then.needs)
    history_tokens = then.prompt_tokens - alone.prompt_tokens
    prompt = alone
    if history_tokens > 0:
        prompt = read_prompt(turn.text, history_tokens=history_tokens, needs=then.needs)
    predictor = the_predictor()
    return prompt if predictor is None else with_reading(prompt, turn.text, predictor)
