"""Who serves which family of models, and how each of them behaves.

Source: protocol.md sections 4 and 12 (native finish reasons; who stops when a stream is cancelled).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provider:
    """`stops_on_cancel`: closing the connection ends generation and billing.

    `native_stop`: its own word for a finish reason of stop; `tokens_per_delta`: how much text it
    puts into one chunk.
    """

    name: str
    slug: str
    stops_on_cancel: bool = True
    native_stop: str = "stop"
    native_tools: str = "tool_calls"
    tokens_per_delta: int = 1
    headquarters: str = "US"


OPENAI = Provider("OpenAI", "openai", native_stop="completed")
ANTHROPIC = Provider(
    "Anthropic", "anthropic", native_stop="end_turn", native_tools="tool_use", tokens_per_delta=3
)
BEDROCK = Provider(
    "Amazon Bedrock",
    "amazon-bedrock",
    stops_on_cancel=False,
    native_stop="end_turn",
    native_tools="tool_use",
    tokens_per_delta=3,
)
AI_STUDIO = Provider(
    "Google AI Studio",
    "google-ai-studio",
    stops_on_cancel=False,
    native_stop="STOP",
    native_tools="STOP",
    tokens_per_delta=8,
)
VERTEX = Provider(
    "Google",
    "google-vertex",
    stops_on_cancel=False,
    native_stop="STOP",
    native_tools="STOP",
    tokens_per_delta=8,
)
MISTRAL = Provider("Mistral", "mistral", stops_on_cancel=False, headquarters="FR")
XAI = Provider("xAI", "xai")
DEEPSEEK = Provider("DeepSeek", "deepseek", headquarters="CN")
PERPLEXITY = Provider("Perplexity", "perplexity", stops_on_cancel=False, tokens_per_delta=2)
COHERE = Provider("Cohere", "cohere", native_stop="COMPLETE", headquarters="CA")
ALIBABA = Provider(
    "Alibaba", "alibaba", stops_on_cancel=False, headquarters="CN", tokens_per_delta=2
)
MINIMAX = Provider(
    "Minimax", "minimax", stops_on_cancel=False, headquarters="CN", tokens_per_delta=4
)
MOONSHOT = Provider("Moonshot AI", "moonshotai", headquarters="CN")
ZAI = Provider("Z.AI", "z-ai", headquarters="SG", tokens_per_delta=2)
NVIDIA = Provider("Nvidia", "nvidia", stops_on_cancel=False)
GROQ = Provider("Groq", "groq", stops_on_cancel=False, tokens_per_delta=2)
TOGETHER = Provider("Together", "together")
FIREWORKS = Provider("Fireworks", "fireworks")
DEEPINFRA = Provider("DeepInfra", "deepinfra")
NOVITA = Provider("Novita", "novita")

OPEN_WEIGHTS = (DEEPINFRA, TOGETHER, FIREWORKS, NOVITA)
BY_AUTHOR: dict[str, tuple[Provider, ...]] = {
    "openai": (OPENAI,),
    "anthropic": (ANTHROPIC, BEDROCK, VERTEX),
    "google": (AI_STUDIO, VERTEX),
    "mistralai": (MISTRAL,),
    "x-ai": (XAI,),
    "amazon": (BEDROCK,),
    "perplexity": (PERPLEXITY,),
    "cohere": (COHERE,),
    "deepseek": (DEEPSEEK, DEEPINFRA, FIREWORKS, NOVITA),
    "qwen": (ALIBABA, DEEPINFRA, TOGETHER),
    "alibaba": (ALIBABA,),
    "minimax": (MINIMAX, NOVITA),
    "moonshotai": (MOONSHOT, FIREWORKS),
    "z-ai": (ZAI, NOVITA),
    "nvidia": (NVIDIA, DEEPINFRA),
    "meta-llama": (GROQ, TOGETHER, DEEPINFRA),
}
ALL = tuple(
    sorted(
        {one for group in BY_AUTHOR.values() for one in group} | set(OPEN_WEIGHTS),
        key=lambda provider: provider.name,
    )
)


def serving(model_id: str) -> tuple[Provider, ...]:
    """The providers of a model, the usual one first."""
    author = model_id.removeprefix("~").split("/")[0]
    return BY_AUTHOR.get(author, OPEN_WEIGHTS)
