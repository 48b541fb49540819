"""The form of a policy: in a person's words, and it refuses what could only fail later."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone

from routing.candidates import Candidate
from routing.constraints import standing
from routing.policies import BEST, THRIFTY, Policy
from routing.policy_models import PolicyVersion
from routing.policy_words import weights_help
from routing.scorers import SCORERS
from routing.services import catalogue

if TYPE_CHECKING:
    PolicyFormBase = forms.ModelForm[PolicyVersion]
else:
    PolicyFormBase = forms.ModelForm

PATTERN = re.compile(r"[\w.~:/*?+@-]{1,200}")
PRICED = ("quality", "thrift")  # without either, a choice would know no trade
MOST_WEIGHT = 1_000.0


class PatternsField(forms.CharField):
    """Patterns of models, one a line: a list in Python."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 40, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        given = re.split(r"[\s,]+", super().to_python(value) or "")
        patterns = list(dict.fromkeys(pattern for pattern in given if pattern))
        for pattern in patterns:
            if not PATTERN.fullmatch(pattern):
                raise forms.ValidationError(f"“{pattern[:80]}” is no pattern of models.")
        return patterns

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool((initial or []) != self.to_python(data))
        except forms.ValidationError:
            return True


class PolicyForm(PolicyFormBase):
    """`pool_size`, once it is valid: how many models of today's catalogue may be chosen."""

    pool_size: int | None = None

    allowed = PatternsField(
        label="Pool",
        required=False,
        help_text="Who may be chosen, one a line: an author (anthropic), a model"
        " (openai/gpt-5-mini), or a pattern (google/gemini-*, *:free)."
        " Empty: every model of the catalogue.",
    )
    excluded = PatternsField(
        label="Kept out", required=False, help_text="The same for who may never be chosen."
    )
    price_cap_usd = forms.DecimalField(
        label="Most an answer may cost",
        required=False,
        max_digits=20,
        decimal_places=12,
        help_text="In USD, of the expected cost of one answer. Empty: no limit.",
    )

    class Meta:
        model = PolicyVersion
        fields = (
            *("name", "group", "precedence", "note", "dial", "dial_least", "dial_most"),
            *("quality_floor_percent", "price_cap_usd", "allowed", "excluded", "allow_free"),
            *("fallbacks", "no_training", "zero_retention", "explores", "weights"),
        )
        labels = {
            "note": "Why",
            "dial": "Dial",
            "dial_least": "Lowest",
            "dial_most": "Highest",
            "quality_floor_percent": "Least chance of a good answer",
            "allow_free": "Free models may be chosen",
            "fallbacks": "Fallbacks",
            "no_training": "Only providers that do not train on the text",
            "zero_retention": "Only providers that do not keep the text",
            "explores": "May explore",
            "weights": "Fine tuning",
        }
        help_texts = {
            "name": "Small letters and hyphens; receipts and commands show it.",
            "group": "Whose messages it decides. Empty: everybody whose groups have no policy.",
            "precedence": "Of a person in several such groups, the policy of the highest counts.",
            "note": "For those who read the list of versions.",
            "dial": f"From {THRIFTY} (thrifty) to {BEST} (best): each step up doubles what a good"
            " answer is worth.",
            "dial_least": "How far a person may turn it down.",
            "dial_most": "How far a person may turn it up.",
            "quality_floor_percent": "In percent, as predicted. Where no model has it, the"
            " likeliest answers. 0: no floor.",
            "allow_free": "They are slow and limited in number.",
            "fallbacks": "Models that step in when the chosen one fails: 0, 1 or 2.",
            "no_training": "OpenRouter is told data_collection: deny. A model that no such provider"
            " serves will not answer.",
            "zero_retention": "OpenRouter is told zdr: true, likewise.",
            "explores": "Near ties may go to the model that is less known.",
            "weights": weights_help(),
        }
        widgets = {"weights": forms.Textarea(attrs={"rows": 2, "cols": 40})}

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not self.instance.pk and PolicyVersion.objects.filter(name=name).exists():
            raise forms.ValidationError(
                "There is a policy of this name: open it and change it, to make its next version."
            )
        return name

    def clean_price_cap_usd(self) -> Decimal | None:
        cap: Decimal | None = self.cleaned_data["price_cap_usd"]
        if cap is not None and cap <= 0:
            raise forms.ValidationError("It must be more than 0, or empty for no limit.")
        return cap

    def clean_weights(self) -> dict[str, float]:
        weights = self.cleaned_data["weights"] or {}
        if not isinstance(weights, dict):
            raise forms.ValidationError('Write names and numbers: {"speed": 0.01}.')
        for name, worth in weights.items():
            if name not in SCORERS:
                known = ", ".join(SCORERS)
                raise forms.ValidationError(f"“{name[:40]}” is not weighed. There are: {known}.")
            if isinstance(worth, bool) or not isinstance(worth, int | float):
                raise forms.ValidationError(f"The weight of {name} is no number.")
            if not math.isfinite(worth) or not 0 <= worth <= MOST_WEIGHT:
                raise forms.ValidationError(f"The weight of {name} goes from 0 to {MOST_WEIGHT:g}.")
            if name in PRICED and not worth:
                raise forms.ValidationError(f"The weight of {name} must be more than 0.")
        return weights

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self._check_dial(cleaned)
        if not self.errors:
            self._check_pool(cleaned)
        return cleaned

    def _check_dial(self, cleaned: dict[str, Any]) -> None:
        least, dial, most = (cleaned.get(name) for name in ("dial_least", "dial", "dial_most"))
        if least is None or dial is None or most is None:
            return
        if not all(math.isfinite(setting) for setting in (least, dial, most)):
            self.add_error("dial", f"The dial goes from {THRIFTY} to {BEST}.")
        elif least > most:
            self.add_error(
                "dial_least", f"The lowest setting ({least:g}) is above the highest ({most:g})."
            )
        elif not least <= dial <= most:
            self.add_error("dial", f"{dial:g} is not between {least:g} and {most:g}.")

    def _check_pool(self, cleaned: dict[str, Any]) -> None:
        """An empty catalogue is no fault of the policy's."""
        policy = Policy(
            allowed=frozenset(cleaned["allowed"]),
            excluded=frozenset(cleaned["excluded"]),
            allow_free=cleaned["allow_free"],
        )
        models = catalogue()
        self.pool_size = len(pool_of(policy, models))
        if models and not self.pool_size:
            barred = any(policy.admits(each.slug, each.author) for each in models)
            self.add_error(
                "allowed",
                "The models of this pool may not be chosen by themselves (free, retired, without a"
                " price, or for a special purpose)."
                if barred
                else "No model of the catalogue is in this pool.",
            )


def pool_of(policy: Policy, models: tuple[Candidate, ...]) -> list[Candidate]:
    """The models that a policy may choose today."""
    today = timezone.now().date()
    return [each for each in models if standing(each, policy, today) is None]
