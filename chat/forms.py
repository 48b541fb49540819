"""What a browser may send us."""

from __future__ import annotations

from django import forms


class SendForm(forms.Form):
    """A prompt on its way in. Its length and emptiness are judged by the service."""

    prompt = forms.CharField(required=False, strip=False)
    model = forms.CharField(required=False, max_length=200)
    nonce = forms.CharField(required=False, max_length=64)

    def reason(self) -> str:
        """Why it is not valid, in one line."""
        return " ".join(str(message) for messages in self.errors.values() for message in messages)

    def wanted(self) -> dict[str, str]:
        """What `services.send` takes: line ends as Markdown has them (browsers send CRLF)."""
        return {
            "prompt": self.cleaned_data["prompt"].replace("\r\n", "\n"),
            "choice": self.cleaned_data["model"],
            "nonce": self.cleaned_data["nonce"],
        }
