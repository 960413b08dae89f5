"""What is asked besides answers to a conversation: loads and downloads, completions, vectors, scores, counts.
Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypedDict, TypeVar

from ai_pal.client.asking import acceptable, named_model, principal_of, privacy, with_system
from ai_pal.client.prompt import Prompt
from ai_pal.client.sampling import Options, options_of
from ai_pal.client.usual import Usual
from ai_pal.config.egress_environment import pip_settings
from ai_pal.protocol import client as wire

IN_FLIGHT = 2
"""Batches of one call that are asked for at once: while one is worked at, the next is there already."""

BATCH_TEXTS, BATCH_CHARACTERS = 256, 512 * 1024
"""What one request of many texts holds at most; a longer text goes by itself."""


class Using(TypedDict, total=False):
    """How a model of this machine is used; an empty `model` is the default one, or for vectors and scores one
    that can. With `pull` one that is not here is downloaded first, if it has at most `pull_limit` bytes (0:
    of any size). `keep_alive` and `deadline` are in seconds; `principal`, `local_only` and `mine` are as in
    `Asking`: the models of a cluster run elsewhere."""

    model: str
    deadline: float | None
    keep_alive: float | None
    pull: bool
    pull_limit: int
    principal: str
    local_only: bool
    mine: bool


Raw = str | list[int]
"""A text that is gone on with, or the model's own tokens of one."""


class Completing(Using, Options, total=False):
    """How a text is gone on with. `prompt_logprobs`: how probable its own tokens are is told, too."""

    prompt_logprobs: bool


class Embedding(Using, total=False):
    """How texts are made vectors. `truncate`: of one that is too long the beginning is."""

    truncate: bool


class Counting(Options, total=False):
    """What the tokens of a prompt depend on."""

    model: str
    system: str | None
    principal: str
    local_only: bool
    mine: bool


def load_request(
    request_id: int, model: str, keep_alive: float | None, pull: bool, pull_limit: int, usual: Usual
) -> wire.Load:
    """The request to load a model. Raises `AiPalError` (`bad_request`)."""
    using = Using(model=model, keep_alive=keep_alive, pull=pull, pull_limit=pull_limit)
    fields = _used(using, usual)
    del fields["deadline"], fields["principal"], fields["privacy"]
    return acceptable(wire.Load(request_id, **fields))


def pull_request(request_id: int, model: str, newer: bool, usual: Usual) -> wire.Pull:
    """The request to download a model."""
    return wire.Pull(request_id, model or usual.model, pip_settings(), newer)


def complete_request(
    request_id: int, prompt: Raw, suffix: str | None, how: Completing, usual: Usual
) -> wire.Complete:
    """The request to go on with a text. Raises `AiPalError` (`bad_request`) for what only a conversation
    has."""
    scores = how.get("prompt_logprobs", False)
    fields = {"options": options_of(how), "prompt_logprobs": scores, **_used(how, usual)}
    return acceptable(wire.Complete(request_id, prompt, suffix, **fields))


def count_request(request_id: int, prompt: Prompt, how: Counting, usual: Usual) -> wire.CountTokens:
    """The request to count the tokens of a prompt."""
    messages = with_system(prompt, how.get("system"))
    model = named_model(how) or usual.model
    options, level = options_of(how), _privacy_of(how, usual)
    return acceptable(
        wire.CountTokens(request_id, messages, model, options, principal_of(how), privacy=level)
    )


Embeddable = str | list[int]
"""A text, or one that is given as the tokens of the model."""


def embed_requests(
    new_id: Callable[[], int], texts: Iterable[Embeddable], dimensions: int, how: Embedding, usual: Usual
) -> Iterator[wire.Embed]:
    """The requests for the vectors of all texts. Raises `TypeError` for what is no text, `AiPalError`
    (`bad_request`) for values that cannot be."""
    used, batches = _used(how, usual, ""), _batches(texts, str, list)
    mine = {"usual_model": usual.model, "truncate": how.get("truncate", False), **used}
    return (acceptable(wire.Embed(new_id(), batch, dimensions=dimensions, **mine)) for batch in batches)


def rerank_requests(
    new_id: Callable[[], int], query: str, texts: Iterable[str], how: Using, usual: Usual
) -> Iterator[wire.Rerank]:
    """The requests for the scores of all texts. Raises as `embed_requests`."""
    used, batches = _used(how, usual, ""), _batches(texts, str)
    mine = {"usual_model": usual.model, **used}
    return (acceptable(wire.Rerank(new_id(), query, batch, **mine)) for batch in batches)


def _used(how: Mapping[str, Any], usual: Usual, default: str | None = None) -> dict[str, Any]:
    """The fields that all requests have which use a model of this machine. Without a name it is the usual
    one, or this `default`: who chats by default seldom embeds, and the supervisor finds one that does."""
    deadline, pull = how.get("deadline"), how.get("pull", False)
    return {
        "model": named_model(how) or (usual.model if default is None else default),
        "deadline": usual.deadline if deadline is None else deadline,
        "keep_alive": how.get("keep_alive"),
        "pull": pull,
        "pull_limit": how.get("pull_limit", 0),
        "usual_keep_alive": usual.keep_alive,
        "pip": pip_settings() if pull else {},
        "principal": principal_of(how),
        "privacy": _privacy_of(how, usual),
    }


def _privacy_of(how: Mapping[str, Any], usual: Usual) -> wire.Privacy:
    return privacy(how.get("local_only", usual.local_only), mine=how.get("mine", usual.mine))


T = TypeVar("T", str, Embeddable)


def _batches(texts: Iterable[T], *kinds: type) -> list[list[T]]:
    """The texts in their order, as many together as one request should hold."""
    if isinstance(texts, str):
        raise TypeError("texts takes a list of texts, not one: [text]")
    batches: list[list[T]] = []
    room = 0
    for text in texts:
        if not isinstance(text, kinds):
            raise TypeError(f"texts takes texts, not {type(text).__name__}")
        room -= len(text)
        if not batches or room < 0 or len(batches[-1]) == BATCH_TEXTS:
            batches.append([])
            room = BATCH_CHARACTERS - len(text)
        batches[-1].append(text)
    return batches
