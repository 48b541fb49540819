"""What a conversation wishes for, and that OpenRouter's document knows such requests."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from chat.models import Conversation
from chat.runner import runner
from chat.wishes import EFFORTS, SORTS, VARIANTS, Wishes, turned, wished
from openrouter.types import ChatRequest
from routing.candidates import Candidate, Reasoning, Skills
from routing.policies import Policy
from routing.prices import Prices
from routing.shelf import shelf
from routing.sync import store_catalogue
from tests.chat.conftest import Ask
from tests.openrouter.test_request_bodies import check
from tests.routing.factories import info

HTMX = {"HX-Request": "true"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def candidate(slug: str, **fields: Any) -> Candidate:
    prices = Prices(None, None)
    return Candidate(slug, slug, slug.split("/")[0], prices, Skills.even(0.5), **fields)


MODELS = {
    model.slug: model
    for model in (
        candidate(
            "acme/one", tools=True, reasoning=Reasoning(supported=True, efforts=("high", "low"))
        ),
        candidate("acme/must", reasoning=Reasoning(supported=True, mandatory=True)),
        candidate("acme/plain"),
        candidate("acme/plain:free"),
        candidate("openrouter/auto", is_router=True),
    )
}
REQUEST = ChatRequest(
    model="acme/one",
    messages=[{"role": "user", "content": "Hello?"}],
    max_completion_tokens=200,
    fallbacks=("acme/plain",),
)
EVERYTHING = Wishes(
    dial=7,
    effort="low",
    prefer="price",
    order=("anthropic", "google-vertex"),
    only=("anthropic", "google-vertex", "deepinfra/turbo"),
    ignore=("novita",),
    max_prompt_usd="1",
    max_completion_usd="2.5",
    quantizations=("fp8", "bf16"),
    zero_retention=True,
    no_training=True,
    schema=SCHEMA,
)


def body(wishes: Wishes, request: ChatRequest = REQUEST) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(json.dumps(wished(request, wishes, MODELS).body(stream=True)))
    return sent


def test_wishes_are_kept_as_they_are() -> None:
    assert Wishes.from_json(json.loads(json.dumps(EVERYTHING.to_json()))) == EVERYTHING
    assert Wishes().to_json() == {}
    assert Wishes.from_json({"of a later version": 1}) == Wishes()
    assert Wishes(dial=0).to_json() == {"dial": 0}, "thrifty is a wish, too"


def test_nothing_wished_changes_nothing() -> None:
    assert wished(REQUEST, Wishes(), MODELS) == REQUEST


@pytest.mark.shared
@pytest.mark.parametrize(
    "wishes",
    [
        EVERYTHING,
        *(Wishes(effort=effort) for effort in EFFORTS),
        *(Wishes(prefer=prefer) for prefer in (*SORTS, *VARIANTS)),
        Wishes(schema=SCHEMA),
        Wishes(max_completion_usd="0.25"),
        Wishes(search=True),
    ],
    ids=lambda wishes: "+".join(f"{k}={v}" for k, v in wishes.to_json().items())[:60],
)
def test_a_request_with_wishes_is_what_the_document_describes(wishes: Wishes) -> None:
    check(body(wishes), {"$ref": "#/components/schemas/ChatRequest"})


@pytest.mark.shared
def test_the_document_would_notice_a_wrong_wish() -> None:
    with pytest.raises(jsonschema.ValidationError):
        check(
            {**body(EVERYTHING), "provider": {**EVERYTHING.provider, "quantizations": ["tiny"]}},
            {"$ref": "#/components/schemas/ChatRequest"},
        )


def test_every_wish_has_its_place_in_the_request() -> None:
    sent = body(EVERYTHING)
    assert sent["provider"] == {
        "order": ["anthropic", "google-vertex"],
        "only": ["anthropic", "google-vertex", "deepinfra/turbo"],
        "ignore": ["novita"],
        "sort": "price",
        "max_price": {"prompt": "1", "completion": "2.5"},
        "quantizations": ["fp8", "bf16"],
        "zdr": True,
        "data_collection": "deny",
        "require_parameters": True,
    }
    assert sent["reasoning"] == {"effort": "low"}
    assert sent["response_format"]["json_schema"]["schema"] == SCHEMA


def test_what_a_policy_demands_cannot_be_wished_away() -> None:
    demanded = replace(REQUEST, provider={"zdr": True, "sort": "latency"})
    sent = body(Wishes(prefer="price", ignore=("novita",)), demanded)
    assert sent["provider"] == {"zdr": True, "sort": "latency", "ignore": ["novita"]}


@pytest.mark.parametrize(
    ("model", "effort", "sent"),
    [
        ("acme/one", "high", "high"),
        ("acme/one", "medium", "low"),  # the nearest that it takes
        ("acme/must", "medium", "medium"),
        ("acme/must", "none", None),  # it cannot do without
        ("acme/plain", "high", None),  # it does not reason
        ("acme/gone", "high", None),
    ],
)
def test_an_effort_goes_to_models_that_take_it(model: str, effort: str, sent: str | None) -> None:
    request = replace(REQUEST, model=model, fallbacks=())
    assert body(Wishes(effort=effort), request).get("reasoning") == (
        {"effort": sent} if sent else None
    )


@pytest.mark.parametrize(
    ("model", "prefer", "sent"),
    [
        ("acme/one", "nitro", "acme/one:nitro"),
        ("acme/one", "floor", "acme/one:floor"),
        ("acme/one", "free", "acme/one"),  # there is no free way to it
        ("acme/plain", "free", "acme/plain:free"),
        ("acme/plain:free", "nitro", "acme/plain:free"),
        ("openrouter/auto", "nitro", "openrouter/auto"),
    ],
)
def test_a_variant_is_put_behind_the_model(model: str, prefer: str, sent: str) -> None:
    request = replace(REQUEST, model=model, fallbacks=())
    assert body(Wishes(prefer=prefer), request)["model"] == sent


def test_a_search_goes_to_one_model_that_uses_tools_and_is_paid_for(ask: Ask) -> None:
    sent = body(Wishes(search=True))
    assert "models" not in sent, "a server tool with fallbacks is refused"
    [tool] = sent["tools"]
    assert tool["type"] == "openrouter:web_search"
    assert "plugins" not in sent
    assert Wishes(search=True).needs == {"tools"}
    store_catalogue([info("acme/one", supported_parameters=("tools",))], now=timezone.now())
    shelf.forget()
    plain = ask("One", nonce="1")
    plain.conversation.messages.update(state="done", lease_until=None)
    plain.conversation.wishes = {"search": True}
    plain.conversation.save()
    searching = ask("One", nonce="2", conversation=plain.conversation)
    held = [turn.reply.call.reserved_usd or 0 for turn in (plain, searching) if turn.reply.call]
    assert held[1] > held[0] + Wishes(search=True).fees_usd


def test_the_dial_is_turned_as_far_as_the_policy_lets() -> None:
    assert turned(Policy(), Wishes()).dial == Policy().dial
    assert turned(Policy(), Wishes(dial=0)).dial == 0
    assert turned(Policy(dial=4, dial_most=6), Wishes(dial=10)).dial == 6


def test_a_conversation_sends_what_it_wishes(ask: Ask) -> None:
    turn = ask("One", nonce="1")
    turn.conversation.wishes = Wishes(prefer="price", zero_retention=True).to_json()
    turn.conversation.save()
    turn.conversation.messages.update(state="done", lease_until=None)
    again = ask("Two", nonce="2", conversation=turn.conversation)
    assert again.job is not None
    assert again.job.request.provider == {"sort": "price", "zdr": True}


def test_a_schema_stays_with_the_answer(ask: Ask) -> None:
    turn = ask("One", nonce="1")
    assert turn.reply.schema is None


@pytest.fixture
def page(client: Client, ada: User, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(runner, "start", lambda job, change, frame: None)
    client.force_login(ada)
    return client


FORM = {
    "effort": "high",
    "prefer": "throughput",
    "order": "Anthropic, google-vertex",
    "max_prompt_usd": "2.50",
    "quantizations": ["fp8"],
    "zero_retention": "on",
    "schema": "",
}


def test_a_form_is_kept_with_the_conversation(page: Client, ask: Ask) -> None:
    conversation = ask().conversation
    url = reverse("chat:wishes_of", args=[conversation.pk])
    response = page.post(url, FORM, headers=HTMX)
    assert response["HX-Trigger"] == "wishes-kept"
    conversation.refresh_from_db()
    assert conversation.wishes == {
        "effort": "high",
        "prefer": "throughput",
        "order": ["anthropic", "google-vertex"],
        "max_prompt_usd": "2.5",
        "quantizations": ["fp8"],
        "zero_retention": True,
    }
    html = page.get(url).content.decode()
    assert "anthropic, google-vertex" in html
    assert 'value="2.5"' in html


def test_what_is_wished_before_the_first_prompt_comes_with_it(page: Client) -> None:
    assert page.post(reverse("chat:wishes"), FORM).status_code == 302
    page.post(reverse("chat:send"), {"prompt": "Hello", "nonce": "n", "dial": "9"}, headers=HTMX)
    first = Conversation.objects.get()
    assert first.wishes["prefer"] == "throughput"
    assert first.wishes["dial"] == 9
    page.post(reverse("chat:send"), {"prompt": "Hello", "nonce": "m"}, headers=HTMX)
    assert Conversation.objects.exclude(pk=first.pk).get().wishes == {}


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("order", "<script>", "is not the name of a provider"),
        ("max_prompt_usd", "-1", "greater than or equal to 0"),
        ("effort", "enormous", "not one of the available choices"),
        ("schema", "{", "This is not JSON"),
        ("schema", "[1]", "A schema is a JSON object"),
        ("schema", '{"type": "wish"}', "This is no JSON schema"),
        ("schema", '{"a": "' + "x" * 20_001 + '"}', "too long"),
    ],
)
def test_a_wrong_wish_is_named_and_nothing_is_kept(
    page: Client, field: str, value: str, why: str
) -> None:
    response = page.post(reverse("chat:wishes"), FORM | {field: value}, headers=HTMX)
    assert response.status_code == 422
    assert why in response.content.decode()
    assert "wishes" not in page.session


def test_wishes_are_ones_own(client: Client, eve: User, ask: Ask) -> None:
    url = reverse("chat:wishes_of", args=[ask().conversation.pk])
    client.force_login(eve)
    assert client.get(url).status_code == 404
    assert client.post(url, FORM).status_code == 404
