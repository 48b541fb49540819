"""What comes over the wire is in the books to the last digit."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from accounts.models import User
from billing.models import UsageRecord
from billing.services import end_call
from openrouter.decoder import StreamDecoder
from openrouter.events import UsageReported
from tests.billing.books import ended, running_call

pytestmark = pytest.mark.django_db
RECORDINGS = Path(__file__).resolve().parents[3] / "shared/openrouter/recordings"
COST = re.compile(r'"cost"\s*:\s*([-+0-9.eE]+)')
MANY = 50  # recordings with a cost: fewer were read than lie there

# usage as it is written on the wire → paid, spent on an own key. The shapes of the recordings.
SHAPES = {
    "exponent": ('"cost":6e-8,"is_byok":false', "0.00000006", "0"),
    "exponent and digits": ('"cost":3.4E-07', "0.00000034", "0"),
    "binary noise": ('"cost":0.0076509169000000005', "0.0076509169000000005", "0"),
    "thirds": ('"cost":0.0004970133333333333', "0.0004970133333333333", "0"),
    "more than a float holds": (
        '"cost":0.1234567890123456789012345',
        "0.1234567890123456789012345",
        "0",
    ),
    "free": ('"cost":0,"cost_details":{"upstream_inference_cost":0.0000013}', "0", "0"),
    "the same twice is paid once": (
        '"cost":0.00524,"is_byok":false,"cost_details":{"upstream_inference_cost":0.00524}',
        "0.00524",
        "0",
    ),
    "own key": (
        '"cost":0,"is_byok":true,"cost_details":{"upstream_inference_cost":0.0003253}',
        "0",
        "0.0003253",
    ),
    "own key with a fee": (
        '"cost":0.95,"is_byok":true,"cost_details":{"upstream_inference_cost":19}',
        "0.95",
        "19",
    ),
    "server tools cost more than the model": (
        '"cost":0.0160614,"cost_details":{"upstream_inference_cost":0.00018}',
        "0.0160614",
        "0",
    ),
}


def booked_from(body: bytes, user: User) -> UsageRecord | None:
    """Decode an answer, and end a call with what it told."""
    decoder = StreamDecoder()
    events = [*decoder.feed(body), *decoder.close()]
    usages = [event.usage for event in events if isinstance(event, UsageReported)]
    return end_call(
        call_id=running_call(user).pk,
        usage=usages[-1] if usages else None,
        served_model=None,
        provider=None,
        finish_reason=None,
        ttft_ms=None,
        duration_ms=None,
        may_have_cost=True,
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_a_cost_is_booked_as_the_wire_writes_it(person: User, shape: str) -> None:
    usage, paid, own = SHAPES[shape]
    chunk = (
        '{"id":"gen-1","object":"chat.completion.chunk","created":1,"model":"m","choices":['
        '{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}],'
        f'"usage":{{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,{usage}}}}}'
    )
    entry = booked_from(f"data: {chunk}\n\ndata: [DONE]\n\n".encode(), person)
    assert entry is not None
    assert UsageRecord.objects.total_usd() == Decimal(paid)
    assert UsageRecord.objects.own_key_usd() == Decimal(own)


def recorded(path: str = "") -> list[tuple[bytes, Decimal]]:
    """Recorded answers of one endpoint, or all, with the last cost that their text shows."""
    found = []
    for body in sorted(RECORDINGS.glob("*/response.body.*")):
        costs = COST.findall(body.read_text())
        request = json.loads((body.parent / "request.json").read_text())
        if costs and str(request["path"]).endswith(path):
            found.append((body.read_bytes(), Decimal(costs[-1])))
    return found


@pytest.mark.shared
def test_every_recorded_cost_is_booked_and_added_to_the_last_digit(person: User) -> None:
    costs = [cost for _, cost in recorded()]
    assert len(costs) > MANY
    for cost in costs:
        entry = ended(running_call(person), cost_usd=cost)
        assert entry is not None
        entry.refresh_from_db()
        assert entry.cost_usd == cost
    assert UsageRecord.objects.of(person).total_usd() == sum(costs)


@pytest.mark.shared
def test_every_recorded_chat_is_booked_from_its_bytes(person: User) -> None:
    answers = recorded("/chat/completions")
    assert len(answers) > MANY - 10
    for body, cost in answers:
        entry = booked_from(body, person)
        assert entry is not None, body[:200]
        assert entry.cost_usd == cost, body[:200]
    assert UsageRecord.objects.total_usd() == sum(cost for _, cost in answers)
