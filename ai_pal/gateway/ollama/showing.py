"""POST /api/show: all that is known of one model, as Ollama tells it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ai_pal.catalog.inventory.details import Details
from ai_pal.catalog.inventory.metadata import Told
from ai_pal.client import AsyncClient
from ai_pal.config.presets import Example, Preset
from ai_pal.gateway.asking import facts
from ai_pal.gateway.asking.askable import one_of
from ai_pal.gateway.asking.asked import Errand
from ai_pal.gateway.ollama import options
from ai_pal.gateway.ollama.answers import stamp
from ai_pal.gateway.ollama.listing import NamedBody, capabilities, details, named
from ai_pal.gateway.wire.bodies import decoded
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.worker import LARGEST_DEFAULT_CONTEXT

TOLD_ELSEWHERE = ("general.name", "tokenizer.chat_template")
"""What of a file's entries is not among `model_info`: there is `template`."""


class ShowBody(NamedBody):
    """POST /api/show."""

    verbose: bool | None = None


_SHOW = msgspec.json.Decoder(ShowBody)


def show(body: bytes) -> Errand:
    """POST /api/show; `verbose` brings in the lists of its vocabulary. Raises `AiPalError`."""
    asked = decoded(body, _SHOW)
    model = named(asked)

    async def carry_out(client: AsyncClient) -> bytes:
        found = await one_of(client, model)
        told = await facts.metadata(found.known, lists=bool(asked.verbose))
        preset = found.preset or Preset()
        return msgspec.json.encode(shown(found.known, told, preset.system or "", preset.messages or ()))

    return Errand(carry_out)


def shown(
    known: Details, told: Told | None = None, system: str = "", examples: Sequence[Example] = ()
) -> dict[str, Any]:
    """The body of the answer; `system` is the prompt that goes before all, `examples` are turns behind it."""
    more: dict[str, Any] = {"system": system} if system else {}
    if examples:
        more["messages"] = examples
    if told and told.projector:
        more["projector_info"] = told.projector.entries | {"general.parameter_count": told.projector.weights}
    if told:
        more["tensors"] = told.model.tensors
    return {
        "license": known.licence,
        "modelfile": _modelfile(known, system, examples),
        "parameters": _parameters(known.sampling),
        "template": known.template,
        "details": details(known),
        "model_info": _info(known, told),
        "capabilities": capabilities(known),
        "modified_at": stamp(known.modified),
        **more,
    }


def _info(known: Details, told: Told | None) -> dict[str, Any]:
    """What its file says, but for the window, which is the one that it gets. Ollama's own command ends in a
    panic where one of the numbers is not there: a window that nobody knows is told as the one that a model
    gets here whose files say nothing of it."""
    kind = known.architecture or "unknown"
    info: dict[str, Any] = {f"{kind}.embedding_length": known.width}
    if known.basename:
        info["general.basename"] = known.basename
    if told:
        info |= {name: value for name, value in told.model.entries.items() if name not in TOLD_ELSEWHERE}
    return info | {
        "general.architecture": kind,
        "general.parameter_count": told.model.weights if told else known.parameters,
        f"{kind}.context_length": known.context or LARGEST_DEFAULT_CONTEXT,
    }


def _modelfile(known: Details, system: str, examples: Sequence[Example]) -> str:
    """What Ollama would have made it of."""
    said = _parameters(known.sampling).splitlines()
    lines = [f"FROM {known.model}", *(f"PARAMETER {' '.join(line.split(None, 1))}" for line in said)]
    lines += [f'MESSAGE {one.role} """{one.content}"""' for one in examples]
    if known.licence:
        lines.append(f'LICENSE """{known.licence}"""')
    if system:
        lines.insert(1, f'SYSTEM """{system}"""')
    if known.template:
        lines.insert(1, f'TEMPLATE """{known.template}"""')
    return "\n".join(lines) + "\n"


def _parameters(sampling: GenerationOptions) -> str:
    """What holds unless a request says otherwise, one a line."""
    said = msgspec.to_builtins(sampling)
    lines = [(theirs, said[ours]) for theirs, ours in options.NAMES.items() if ours in said]
    lines += [("stop", msgspec.json.encode(text).decode()) for text in sampling.stop]
    return "\n".join(f"{name:<30} {value}" for name, value in lines)
