"""The window that Ollama is asked for, and whether it has cut what it was sent. Pure.

Ollama loads a model anew for each other `num_ctx`: one is asked for only where the conversation does not fit.
"""

import re
from collections.abc import Sequence

import msgspec

from ai_pal.egress.providers.answers.figures import tokens
from ai_pal.egress.providers.answers.loose import part, text
from ai_pal.protocol.content import Message
from ai_pal.protocol.egress import Complete
from ai_pal.protocol.provider import OfferedModel

DEFAULT = 4096
"""What a server has where nobody says otherwise, at least; older ones have half of it."""

LARGEST = 32_768
"""As much as a small machine can bear unasked."""

BYTES_PER_TOKEN, ANSWER_TOKENS = 3, 1024

_RUN = re.compile(r"(.)\1+", re.DOTALL)
_NUM_CTX = re.compile(r"^num_ctx\s+(\d{1,9})\s*$", re.ASCII | re.MULTILINE)
_WIDE = re.compile(r"[\u2e80-\U0010ffff]")
MOST_PER_TOKEN, MOST_WIDE_PER_TOKEN, USUAL_PER_TOKEN = 8, 3, 4
"""Characters: of the longest tokens that a text may have on average, and of usual ones."""


class Windows(msgspec.Struct, frozen=True):
    """What is known of a model's windows, in tokens; 0: not known. `own` is that of its Modelfile, `most` the
    one that it was trained for, `loaded` the one in force. The server `tells` which models are loaded, and
    this one `is_loaded` or not."""

    own: int = 0
    most: int = 0
    loaded: int = 0
    tells: bool = False
    is_loaded: bool = False

    def will_show(self, needed: int) -> bool:
        """Whether only loading the model tells if a conversation of so many tokens fits."""
        unknown = not self.own and not self.loaded
        return unknown and self.tells and not self.is_loaded and needed > DEFAULT


def windows(model: str, shown: object, running: object) -> Windows:
    """From the answers to `/api/show` and `/api/ps`, or what came in their place."""
    found, tells = _entry(model, running)
    loaded = tokens(found.get("context_length"))
    return Windows(*_of_model(shown), loaded, tells=tells, is_loaded=bool(found))


def offered(model: str, shown: object) -> OfferedModel:
    """What an answer to `/api/show` says of a model. Its window is the one that it can have through us."""
    own, most = _of_model(shown)
    info = part(shown, "model_info")
    told = part(shown, "capabilities")
    return OfferedModel(
        architecture=text(part(info, "general.architecture")) or text(part(shown, "details", "family")),
        basename=text(part(info, "general.basename")) or model.partition(":")[0],
        format=text(part(shown, "details", "format")),
        quantization=text(part(shown, "details", "quantization_level")),
        parameters=tokens(part(info, "general.parameter_count")),
        window=max(own, min(most, LARGEST)),
        capabilities=[one for one in told if isinstance(one, str)] if isinstance(told, list) else [],
    )


def needed(request: Complete) -> int:
    """Tokens for a conversation and its answer, rather too many."""
    prompt = sum(len(message.text.encode()) for message in request.messages) // BYTES_PER_TOKEN
    return prompt + (request.options.max_tokens or ANSWER_TOKENS)


def asked(needed: int, known: Windows, wished: int = 0) -> int | None:
    """The `num_ctx` to ask for; None: what the model or the server has by itself. Never less than that, and a
    larger one that is loaded stays. A power of two: a conversation that grows seldom needs the next. What the
    user has `wished` for is asked for as it is."""
    there = max(known.loaded, known.own) or DEFAULT
    if wished > there:
        return wished
    if needed > there:
        wanted = min(1 << (needed - 1).bit_length(), known.most or LARGEST, LARGEST)
        if wanted > there:
            return wanted
    return known.loaded if known.loaded > (known.own or DEFAULT) else None


def in_force(num_ctx: int, known: Windows) -> int:
    """The window that an answer had; 0 where that is not known."""
    window = num_ctx or known.own or (known.loaded if known.loaded == DEFAULT else 0)
    return min(window, known.most) if known.most else window


def was_cut(messages: Sequence[Message], read: int, window: int) -> bool:
    """Whether `read` tokens cannot be all of the prompt: they fill the window, or are far too few."""
    full = read >= window if window else read in (DEFAULT, DEFAULT // 2)
    return read > 0 and (full or read < _at_least(messages))


def cut(name: str, messages: Sequence[Message], read: int) -> str:
    """What to tell of it."""
    about = max(sum(len(message.text) for message in messages) // USUAL_PER_TOKEN, read + 1)
    return f"the oldest turns no longer fit the window: {name} read {read} tokens of about {about}"


def _at_least(messages: Sequence[Message]) -> int:
    """Fewer tokens than any tokenizer makes of a text; runs of one character may be a single one."""
    texts = [_RUN.sub(r"\1", message.text) for message in messages]
    wide = sum(len(_WIDE.findall(text)) for text in texts)
    narrow = sum(map(len, texts)) - wide
    return narrow // MOST_PER_TOKEN + wide // MOST_WIDE_PER_TOKEN


def _of_model(shown: object) -> tuple[int, int]:
    """The window of its Modelfile, and the one that it was trained for."""
    if not isinstance(shown, dict):
        return 0, 0
    parameters, info = shown.get("parameters"), shown.get("model_info")
    said = _NUM_CTX.search(parameters) if isinstance(parameters, str) else None
    most = 0
    if isinstance(info, dict):
        most = tokens(info.get(f"{info.get('general.architecture')}.context_length"))
    return int(said[1]) if said is not None else 0, most


def _entry(model: str, running: object) -> tuple[dict[str, object], bool]:
    """What the server says of a model that is loaded, and whether it has said which ones are."""
    listed = running.get("models") if isinstance(running, dict) else None
    if not isinstance(listed, list):
        return {}, False
    wanted = _full(model)
    for entry in listed:
        if isinstance(entry, dict) and wanted in (_full(entry.get("name")), _full(entry.get("model"))):
            return entry, True
    return {}, True


def _full(name: object) -> str:
    """With its tag: `phi` is `phi:latest`."""
    if not isinstance(name, str):
        return ""
    return name.lower() if ":" in name.rpartition("/")[2] else f"{name.lower()}:latest"
