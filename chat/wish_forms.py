"""A conversation's wishes as a form, in words for people."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms

from chat.structured import read_schema
from chat.wishes import QUANTIZATIONS, Wishes
from routing.candidates import Candidate

EFFORT_WORDS = (
    ("", "As the model sees fit"),
    ("none", "Not at all"),
    ("minimal", "Hardly"),
    ("low", "A little"),
    ("medium", "Some"),
    ("high", "Much"),
    ("xhigh", "As much as it can"),
)
PREFER_WORDS = (
    ("", "As OpenRouter balances it"),
    ("price", "The cheapest provider"),
    ("throughput", "The provider that writes fastest"),
    ("latency", "The provider that begins soonest"),
    ("nitro", "Fastest, may cost more (:nitro)"),
    ("floor", "Cheapest, may take longer (:floor)"),
    ("free", "Free of charge where there is a way, limited (:free)"),
)
EXAMPLE = (
    '{"type": "object", "properties": {"city": {"type": "string"}},'
    ' "required": ["city"], "additionalProperties": false}'
)
PROVIDER = re.compile(r"[a-z0-9][a-z0-9._/-]{0,63}")
MOST_PROVIDERS = 20


class ProviderList(forms.CharField):
    """Slugs of providers, with commas or spaces between them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, max_length=1000, **options)

    def clean(self, value: Any) -> tuple[str, ...]:
        text: str = super().clean(value)
        names = tuple(dict.fromkeys(re.split(r"[\s,;]+", text.lower().strip()))) if text else ()
        strange = [name for name in names if not PROVIDER.fullmatch(name)]
        if strange:
            raise forms.ValidationError(f"“{strange[0][:40]}” is not the name of a provider.")
        if len(names) > MOST_PROVIDERS:
            raise forms.ValidationError(f"At most {MOST_PROVIDERS} providers can be named.")
        return names


class WishForm(forms.Form):
    """What `Wishes` holds, without the dial, which stands in the picker.

    `model`: who is going to answer, where that is settled: what it cannot do is not offered. What
    was set already can be taken back.
    """

    effort = forms.ChoiceField(
        required=False, choices=EFFORT_WORDS, label="How much it thinks before it answers"
    )
    prefer = forms.ChoiceField(required=False, choices=PREFER_WORDS, label="Who serves it")
    no_training = forms.BooleanField(
        required=False, label="Only providers that do not train on what I write"
    )
    zero_retention = forms.BooleanField(
        required=False, label="Only providers that keep nothing (zero data retention)"
    )
    picture = forms.BooleanField(required=False, label="It draws a picture")
    search = forms.BooleanField(required=False, label="It may search the web, with its sources")
    order = ProviderList(
        label="Try these providers first", help_text="In this order: anthropic, google-vertex"
    )
    only = ProviderList(label="Use these providers only")
    ignore = ProviderList(label="Never use these providers")
    max_prompt_usd = forms.DecimalField(
        required=False, min_value=0, max_digits=10, decimal_places=4,
        label="Most for a million tokens in, in USD",
    )  # fmt: skip
    max_completion_usd = forms.DecimalField(
        required=False, min_value=0, max_digits=10, decimal_places=4,
        label="Most for a million tokens out, in USD",
    )  # fmt: skip
    quantizations = forms.MultipleChoiceField(
        required=False,
        choices=[(name, name) for name in QUANTIZATIONS],
        widget=forms.CheckboxSelectMultiple,
        label="Only these precisions",
    )
    schema = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        label="Answer as JSON that keeps to this schema",
        help_text=EXAMPLE,
    )

    def __init__(self, *args: Any, model: Candidate | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.model = model
        for name, words in lacking(model).items():
            self.fields[name].disabled = not self.initial.get(name)
            self.fields[name].help_text = words
            self.fields[name].lacks = True  # type: ignore[attr-defined]  # for the template

    @classmethod
    def of(cls, wishes: Wishes, data: Any = None, *, model: Candidate | None = None) -> WishForm:
        """The form with what is set, and `data` that was sent in."""
        shown = wishes.to_json()
        for name in ("order", "only", "ignore"):
            shown[name] = ", ".join(shown.get(name, ()))
        if wishes.schema:
            shown["schema"] = pretty(wishes.schema)
        return cls(data, initial=shown, model=model)

    def clean_schema(self) -> Mapping[str, Any] | None:
        text: str = self.cleaned_data["schema"].strip()
        if not text:
            return None
        try:
            return read_schema(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def wishes(self, dial: int | None) -> Wishes:
        """What was wished for, with the dial where it is."""
        told = dict(self.cleaned_data)
        for name in ("max_prompt_usd", "max_completion_usd"):
            told[name] = _text(told[name])
        told["quantizations"] = tuple(told["quantizations"])
        return Wishes(dial=dial, **told)


def lacking(model: Candidate | None) -> dict[str, str]:
    """What a model cannot be asked for: field → why. Of a router nobody knows."""
    if model is None or model.is_router:
        return {}
    name = model.name.partition(": ")[2] or model.name
    found = {}
    if not model.reasoning.supported:
        found["effort"] = f"{name} does not think before it answers."
    if "picture" not in model.offers:
        found["picture"] = f"{name} draws none: pick another model, or Auto."
    if not model.schemas:
        found["schema"] = f"{name} keeps to no schema: pick another model, or Auto."
    return found


def pretty(schema: Mapping[str, Any]) -> str:
    """JSON as people write it."""
    return json.dumps(schema, indent=2, ensure_ascii=False)


def _text(amount: Decimal | None) -> str:
    """`2.5`, not `2.50` nor `2E+1`."""
    return "" if amount is None else f"{amount.normalize():f}"
