"""What a browser may send us."""

from __future__ import annotations

from typing import Any

from django import forms

from chat.models import AUTO

AGAINST_AUTO = "auto"  # an empty field compares with nobody


class SendForm(forms.Form):
    """A prompt on its way in. Its length and emptiness are judged by the service."""

    prompt = forms.CharField(required=False, strip=False)
    model = forms.CharField(required=False, max_length=200)
    against = forms.CharField(required=False, max_length=200)  # a second model, or "auto"
    dial = forms.IntegerField(required=False, min_value=0, max_value=10)
    nonce = forms.CharField(required=False, max_length=64)

    def reason(self) -> str:
        """Why it is not valid, in one line."""
        return " ".join(str(message) for messages in self.errors.values() for message in messages)

    def wanted(self) -> dict[str, Any]:
        """What `services.send` takes: line ends as Markdown has them (browsers send CRLF)."""
        against, dial = self.cleaned_data["against"] or None, self.cleaned_data["dial"]
        return {
            "prompt": self.cleaned_data["prompt"].replace("\r\n", "\n"),
            "choice": self.cleaned_data["model"],
            "nonce": self.cleaned_data["nonce"],
            "wishes": {} if dial is None else {"dial": dial},
            "against": AUTO if against == AGAINST_AUTO else against,
        }
