"""Ollama's /api/create: a name for a model, or a file that was sent, with what a Modelfile says of it."""

import asyncio
from typing import Any, Literal

import msgspec

from ai_pal.catalog import join, meant, resolve, split
from ai_pal.catalog.caches import uploads
from ai_pal.catalog.weights.files import damage
from ai_pal.client import AsyncClient
from ai_pal.config import Settings, load_settings
from ai_pal.config.clouds import provider_names
from ai_pal.config.elsewhere import elsewhere
from ai_pal.config.presets import FIELDS, Example, Preset, load_preset
from ai_pal.errors import AiPalError, Code, fail
from ai_pal.formats import adapters
from ai_pal.gateway.asking import presets
from ai_pal.gateway.asking.asked import Errand
from ai_pal.gateway.ollama import options
from ai_pal.gateway.ollama.answers import LINES, line
from ai_pal.gateway.ollama.jinja import is_jinja, jinja_of
from ai_pal.gateway.ollama.listing import NamedBody, named
from ai_pal.gateway.ollama.naming import keep_preset, model_meant, name_file, name_model
from ai_pal.gateway.ollama.pulling import SUCCESS
from ai_pal.gateway.wire.bodies import BodyError, decoded
from ai_pal.gateway.wire.statuses import NotDoneError
from ai_pal.protocol.option_rules import objection_to_value

_NEVER = {
    "quantize": "nothing is quantized here: the llama.cpp that answers has no function for it",
    "modelfile": "the text of a Modelfile is not read here, as in Ollama since 0.5.5",
    "path": "a path on this machine is not read here, as in Ollama since 0.5.5",
}
"""Fields that mean what is not done here, and why."""

_INSTEAD = {"quantize": "name or send a model that is quantized: ai-pal pull org/name:Q4_K_M"}
_OF_MODELS = {"num_ctx": "context", "num_thread": "threads"}
"""Parameters that are of how a model is loaded, and as our names of models have them."""


class Said(msgspec.Struct):
    """A line of MESSAGE, which is a text; what else a turn can have is refused."""

    role: Literal["system", "user", "assistant"]
    content: str
    thinking: Any = None
    images: Any = None
    tool_calls: Any = None
    tool_name: Any = None


class CreateBody(NamedBody):
    """POST /api/create; what else a Modelfile can say is refused by name."""

    from_: str | None = msgspec.field(name="from", default=None)
    files: dict[str, str] | None = None
    adapters: dict[str, str] | None = None
    parameters: dict[str, Any] | None = None
    stream: bool | None = None
    system: str | None = None
    template: str | None = None
    messages: list[Said] | None = None
    license: str | list[str] | None = None
    quantize: Any = None
    modelfile: Any = None
    path: Any = None


_CREATE = msgspec.json.Decoder(CreateBody)


class Wish(msgspec.Struct, frozen=True):
    """What is to have a name. `base` is the model that it is made from, or `file` the hash of one that was
    sent; `loaded` are options of its load, `preset` is what is said besides, if anything is."""

    base: str
    file: str = ""
    adapters: tuple[str, ...] = ()
    template: str = ""
    loaded: dict[str, Any] = {}
    preset: Preset | None = None


def create(body: bytes) -> Errand:
    """POST /api/create. Raises `AiPalError`."""
    asked = decoded(body, _CREATE)
    name, wish = named(asked), wish_of(asked)
    streams = asked.stream is not False
    success = line(SUCCESS) if streams else msgspec.json.encode(SUCCESS)

    async def carry_out(_: AsyncClient) -> bytes:
        await asyncio.to_thread(_make, name, wish)
        return success

    return Errand(carry_out, LINES) if streams else Errand(carry_out)


def wish_of(asked: CreateBody) -> Wish:
    """What a body wants. Raises `AiPalError`."""
    for field, why in _NEVER.items():
        if getattr(asked, field):
            raise NotDoneError(
                why, _INSTEAD.get(field, "send what it says as fields: from, files, system, ...")
            )
    files = [uploads.sha256_in(digest) for digest in (asked.files or {}).values()]
    if len(files) > 1:
        raise BodyError("a model is made of one GGUF file here", "files", "send it as one")
    if bool(files) == bool(asked.from_):
        what = "from names a model and files a file: one of them is what is to be called so"
        raise BodyError(what, "from")
    parameters = options.as_go_reads(asked.parameters or {})
    loaded = {
        ours: _number(parameters[name], name) for name, ours in _OF_MODELS.items() if name in parameters
    }
    return Wish(
        asked.from_ or "",
        files[0] if files else "",
        tuple(uploads.sha256_in(digest) for digest in (asked.adapters or {}).values()),
        asked.template or "",
        loaded,
        _preset(asked, parameters),
    )


def _make(name: str, wish: Wish) -> None:
    """Raises `AiPalError`."""
    settings = load_settings().settings
    source = presets.named(wish.base)
    before = load_preset(source) if source else None
    model = _reference(wish, before, settings)
    if before is None and wish.preset is None:
        target = _with(model, wish.loaded)
        name_file(name, model) if wish.file and target == model else name_model(name, target)
        return
    said, window = wish.preset or Preset(), wish.loaded.get("context")
    given = {field: value for field in FIELDS if (value := getattr(said, field)) is not None}
    given |= {"context": window} if window else {}
    threads = {"threads": wish.loaded["threads"]} if "threads" in wish.loaded else {}
    model = _with(model, threads)
    keep_preset(name, msgspec.structs.replace(before or Preset(), **given, model=model or None))


def _with(model: str, more: dict[str, Any]) -> str:
    """A model with these options beside its own."""
    if not more:
        return model
    name, own = split(model)
    return join(name, own | more)


def _reference(wish: Wish, before: Preset | None, settings: Settings) -> str:
    """The model that answers, with its template and adapters. Raises `AiPalError`."""
    if wish.file:
        model = _sent(wish.file, "files", settings)
        if (why := damage(model)) is not None:
            raise AiPalError(why)
    else:
        model = (before.model or "") if before else model_meant(wish.base, settings)
    if not wish.template and not wish.adapters:
        return model
    if elsewhere(meant(model, settings), provider_names(settings)) is not None:
        fail(Code.BAD_REQUEST, f"{model} is a provider's: its template is not ours to set", "leave it out")
    engine = resolve(model, settings).engine
    if engine != "llamacpp":
        what = "template" if wish.template else "adapters"
        raise BodyError(f"{engine} takes none: it is for GGUF files", what, "leave it out")
    more: dict[str, Any] = {}
    if wish.template:
        text = wish.template if is_jinja(wish.template) else jinja_of(wish.template)
        more["chat_template"] = str(uploads.keep_text(text, settings))
    if wish.adapters:
        sent = [_sent(sha256, "adapters", settings) for sha256 in wish.adapters]
        more[adapters.OPTION] = [*split(model).options.get(adapters.OPTION, []), *sent]
    return _with(model, more)


def _sent(sha256: str, field: str, settings: Settings) -> str:
    """The file of this hash. Raises `BodyError`: it was not sent."""
    if not (place := uploads.place(sha256, settings)).is_file():
        raise BodyError(f"sha256:{sha256} is not here", field, "send it first: POST /api/blobs/sha256:...")
    return str(place)


def _preset(asked: CreateBody, parameters: dict[str, Any]) -> Preset | None:
    """What a Modelfile says besides the model and how that is loaded. Raises `BodyError`."""
    system, examples = _turns(asked)
    licence = "\n".join([asked.license] if isinstance(asked.license, str) else asked.license or [])
    for name in parameters:
        if name not in options.KNOWN:
            raise BodyError(f"there is no parameter {name!r}", f"parameters.{name}")
    if not (system or examples or licence) and parameters.keys() <= _OF_MODELS.keys():
        return None
    sampling = {name: one for name, one in parameters.items() if name not in _OF_MODELS}
    said = options.sampling_of(sampling, "parameters")
    fields = {name: value for name, value in said.items() if name != "extra" and value not in (None, [])}
    if more := said.get("extra"):
        fields["options"] = more
    for name, value in fields.items():
        if why := objection_to_value("extra" if name == "options" else name, value):
            raise BodyError(why, "parameters")
    return Preset(system=system or None, messages=examples or None, licence=licence or None, **fields)


def _turns(asked: CreateBody) -> tuple[str, list[Example]]:
    """The system prompt, and what goes before each conversation. Raises `BodyError`: there is more than one
    system prompt."""
    given = asked.messages or []
    for number, one in enumerate(given):
        for name in ("thinking", "images", "tool_calls", "tool_name"):
            if getattr(one, name):
                raise BodyError("an example is a text", f"messages[{number}].{name}", "leave it out")
    systems = [one.content for one in given if one.role == "system"]
    if len(systems) + bool(asked.system) > 1:
        raise BodyError("there is one system prompt", "messages", "say it all in system")
    examples = [Example(one.role, one.content) for one in given if one.role != "system"]
    return asked.system or "".join(systems), examples


def _number(value: Any, name: str) -> int:
    """Raises `BodyError`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BodyError(f"{value!r} is no number of this kind", f"parameters.{name}")
    return value
