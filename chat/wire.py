"""A turn as the API takes it: messages with what hangs on them, and what the answer is to be.

Sources: OpenRouter API reference, "Images and PDFs" and "Audio": parts of a message, and the
annotations of a parsed PDF, which go back with the answer that they came with so that it is not
parsed again; "Reasoning tokens": what a model thought goes back to models of its vendor unchanged;
"Image generation": what a model drew goes back to one that sees.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import AbstractBaseUser

from billing.keys import Credential
from chat.attachment_models import Kind, path_of
from chat.attachments import AUDIO_FORMATS
from chat.caching import with_marks
from chat.models import Message, Role, State
from chat.prompts_library import instructions
from chat.reasoning import is_of, whole_details
from chat.wishes import Wishes, wished
from openrouter.types import ChatRequest
from routing.candidates import Candidate
from routing.decision import Decision
from routing.services import models_by_slug

File = Mapping[str, Any]
Thoughts = Mapping[int, Sequence[Mapping[str, Any]]]
SENSES = {Kind.IMAGE.value: "image", Kind.AUDIO.value: "audio"}
WITH_PICTURES = ("image", "text")


def wire_message(message: Message, *, sees: bool = False) -> dict[str, Any]:
    """One message; its files are read from where they lie. `sees`: its reader takes pictures."""
    told: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.role == Role.USER and message.files:
        told["content"] = [{"type": "text", "text": message.text}, *map(_part, message.files)]
    elif message.role == Role.ASSISTANT:
        if parsed := _parsed(message.annotations):
            told["annotations"] = parsed
        if message.files:
            drawn = [_part(file) for file in message.files] if sees else []
            pictures = [part for part in drawn if part["type"] == "image_url"]
            told |= {"images": pictures} if pictures else {}
            told["content"] = message.text or "[A picture.]"
    return told


def _part(file: File) -> dict[str, Any]:
    """A file as a part of a message; a word about it where its bytes are gone."""
    try:
        content = path_of(file["id"]).read_bytes()
    except OSError:
        return {"type": "text", "text": f"[The file {file['name']} is not there any more.]"}
    if file["kind"] == Kind.TEXT:
        return {"type": "text", "text": f"{file['name']}:\n\n{content.decode('utf-8-sig')}"}
    encoded = base64.b64encode(content).decode()
    if file["kind"] == Kind.AUDIO:  # no address is taken here, not even one of data
        audio = {"data": encoded, "format": AUDIO_FORMATS[file["media_type"]]}
        return {"type": "input_audio", "input_audio": audio}
    url = f"data:{file['media_type']};base64,{encoded}"
    if file["kind"] == Kind.IMAGE:
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "file", "file": {"filename": file["name"], "file_data": url}}


def _parsed(annotations: Sequence[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
    return [each for each in annotations or () if each.get("type") == "file"]


def files_in(history: Iterable[Message]) -> list[dict[str, Any]]:
    """Everything that hangs on the messages of a conversation."""
    return [file for message in history for file in message.files or ()]


def needs_of(files: Iterable[File]) -> frozenset[str]:
    """What a model must be able to take. A PDF can be parsed for any of them, and what a model
    drew is left out for one that sees nothing."""
    given = {file["kind"] for file in files if not file.get("made")}
    return frozenset(sense for kind, sense in SENSES.items() if kind in given)


def plugins_for(files: Iterable[File], *, reads_files: bool) -> list[dict[str, Any]] | None:
    """How PDFs are read: by the model itself where it can, else as text, which costs nothing."""
    if not any(file["kind"] == Kind.PDF for file in files):
        return None
    engine = "native" if reads_files else "cloudflare-ai"
    return [{"id": "file-parser", "pdf": {"engine": engine}}]


def request_of(
    history: Sequence[Message], decision: Decision, *, user: AbstractBaseUser, key: Credential
) -> ChatRequest:
    model = models_by_slug().get(decision.slug)
    sees = model is not None and "image" in model.inputs
    thoughts = _thoughts(history, model)
    messages: list[Mapping[str, Any]] = [*instructions(history[-1].conversation)]
    for message in history:
        if message.text or message.files:
            told = wire_message(message, sees=sees)
            if details := thoughts.get(message.pk):
                told["reasoning_details"] = whole_details(details)
            messages.append(told)
    return ChatRequest(
        model=decision.slug,
        fallbacks=decision.fallbacks,
        messages=with_marks(messages, model),
        max_completion_tokens=decision.max_completion_tokens,
        reasoning={"effort": decision.effort} if decision.effort else None,
        provider=decision.privacy or None,
        user=f"user-{user.pk}",
        session_id=str(history[-1].conversation_id),
        api_key=key.secret,
    )


def _thoughts(history: Sequence[Message], model: Candidate | None) -> Thoughts:
    """What was thought for the answers of the vendor's own models: read only where it is used.

    An answer that was cut may have thoughts without their signature: these stay here.
    """
    if model is None or not model.reasoning.supported:
        return {}
    whole = [it for it in history if it.role == Role.ASSISTANT and it.state == State.DONE]
    keys = [it.pk for it in whole if is_of(it.served_model, model.slug)]
    if not keys:
        return {}
    kept = Message.objects.filter(pk__in=keys, reasoning_details__isnull=False)
    return {pk: details or () for pk, details in kept.values_list("pk", "reasoning_details")}


def shaped(
    request: ChatRequest, *, files: Sequence[File], wishes: Wishes, prefix: str
) -> ChatRequest:
    """The request with what its files need, as the conversation wishes it, from where it begins."""
    models = models_by_slug()
    known = models.get(request.model)
    draws = known is not None and "picture" in known.offers and not known.is_router
    if wishes.picture or draws:
        request = replace(request, modalities=WITH_PICTURES)
    if files or wishes.count:
        plugins = plugins_for(files, reads_files=known is not None and "file" in known.inputs)
        request = wished(replace(request, plugins=plugins), wishes, models)
    if not prefix:
        return request
    begun = {"role": Role.ASSISTANT.value, "content": prefix}
    return replace(request, messages=[*request.messages, begun])
