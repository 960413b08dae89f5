"""Settings that are tables of the config file: this machine's model, Ollama, clouds, budgets and prices."""

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from ai_pal.config.kinds import SECRET, URL, a_duration

_AUTHORITY = r"^([^/]*//[^/@:]*:)[^/@]*@"

MOST_DOLLARS = 100_000
"""Per million tokens; `inf` would make every sum of the ledger useless."""


def _dollars(description: str) -> Meta:
    return Meta(ge=0, le=MOST_DOLLARS, description=description)


def has_password(text: str) -> bool:
    """Whether an address holds a password."""
    return bool(re.match(_AUTHORITY, text))


def without_password(text: str) -> str:
    """An address that may be shown."""
    return re.sub(_AUTHORITY, r"\1***@", text)


class LocalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[local]`: the model of this machine, where the router chooses."""

    model: Annotated[
        str,
        Meta(min_length=1, description="Answers here, if it is on this machine; else the best that is."),
    ] = "phi-2"


class OllamaSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[ollama]`: the Ollama server, tier 2."""

    enabled: Annotated[bool, Meta(description="Ask an Ollama server at all.")] = True
    base_url: Annotated[
        str,
        Meta(
            description="Where it is; empty means `OLLAMA_HOST`, else http://localhost:11434.",
            extra={"kind": URL},
        ),
    ] = ""
    model: Annotated[
        str, Meta(description="What it is asked for where the router chooses; empty means `local.model`.")
    ] = ""
    models: Annotated[
        dict[str, str], Meta(description='What it calls models of this machine: `"phi-2" = "phi"`.')
    ] = field(default_factory=dict)


class ProviderSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[providers.NAME]`: a cloud, or any server that speaks one of these protocols."""

    api: (
        Annotated[
            Literal["openai", "anthropic", "cohere"],
            Meta(description="Its protocol; needed for names of your own."),
        ]
        | None
    ) = None
    base_url: (
        Annotated[
            str,
            Meta(
                description="Where it is, if not at the provider's own place; needed for names of your own.",
                extra={"kind": URL},
            ),
        ]
        | None
    ) = None
    mid: Annotated[str, Meta(description="Its model for medium prompts.")] | None = None
    strong: Annotated[str, Meta(description="Its model for hard prompts.")] | None = None
    consent: (
        Annotated[bool, Meta(description="Whether prompts may go there; unset, `ai-pal consent` decides.")]
        | None
    ) = None
    api_key: Annotated[
        bool,
        Meta(
            description="The key. Only the egress process reads it; `config show` says whether there is one.",
            extra={"kind": SECRET},
        ),
    ] = False


class RouterSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[router]`: what becomes of answers that a model of this machine doubts."""

    escalate: Annotated[
        Literal["off", "ask", "auto"],
        Meta(
            description="A doubted answer stands (`off`), stands with a line that says so (`ask`), or "
            "another of the same plan is asked (`auto`)."
        ),
    ] = "ask"
    escalate_share: Annotated[
        float, Meta(ge=0, le=1, description="The part of its answers that counts as doubted, of each model.")
    ] = 0.2
    learn: Annotated[
        bool,
        Meta(
            description="Let `/good`, `/bad`, `/retry`, `/edit` and `/stronger` move that share, and "
            "from ten on who is asked first, by kind of prompt."
        ),
    ] = False
    calibrate: Annotated[
        Literal["idle", "off"],
        Meta(
            description="While nobody asks anything, measure whether a loaded model can doubt (`idle`), or "
            "leave that to `ai-pal calibrate` (`off`)."
        ),
    ] = "idle"
    calibrate_after: Annotated[
        float, a_duration("How long nobody must have asked anything before that begins.", ge=0)
    ] = 120.0


class BudgetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[budget]`: what all clouds together may cost."""

    day: Annotated[float, Meta(ge=0, description="US dollars per day; unset is no limit.")] | None = None
    month: Annotated[float, Meta(ge=0, description="US dollars per month; unset is no limit.")] | None = None


class PriceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[prices."NAME:MODEL"]`: what a model costs, over the table that comes with AI-PAL."""

    input: Annotated[float, _dollars("US dollars per million tokens of the prompt; always said.")] | None = (
        None
    )
    output: Annotated[float, _dollars("US dollars per million tokens of the answer; always said.")] | None = (
        None
    )
    cached: Annotated[float, _dollars("The same for prompt tokens from the provider's cache.")] | None = None
    window: Annotated[int, Meta(ge=0, description="Tokens of its window; 0 is not known.")] = 0
    most: Annotated[int, Meta(ge=0, description="Tokens of its longest answer; 0 is not known.")] = 0
