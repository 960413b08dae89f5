"""How llama.cpp is set up for a model: its own options, its window, what it is told to load."""

import os
from pathlib import Path
from typing import Any, Literal

import msgspec

from ai_pal.counted import counted
from ai_pal.errors import Code, fail, pip_install
from ai_pal.formats.adapters import adapters_in
from ai_pal.formats.gguf import MEAN, RANK, Header, pooling_of
from ai_pal.formats.gguf_cursor import LONGEST_KEPT
from ai_pal.formats.gguf_parts import part_paths
from ai_pal.formats.gguf_vocabulary import read_chat_templates
from ai_pal.formats.kv_cache import KINDS, objection
from ai_pal.formats.projector import LARGEST_WHOLE, Projector
from ai_pal.protocol.value_rules import field_in_words
from ai_pal.protocol.windows import slots_of, windows_of
from ai_pal.protocol.worker import LARGEST_DEFAULT_CONTEXT, LoadModel
from workers.engines.llamacpp.attachments import HANDLES, can_hold
from workers.engines.llamacpp.devices import cards, place
from workers.engines.llamacpp.rendering import carrying, either
from workers.engines.llamacpp.speculation import NONE, Speculation, apply, chunk_for
from workers.kept_prefixes import fingerprint_of
from workers.template_clock import steerable

GENERAL = ("threads", "context", "slots", "kv_cache", "device", "gpu_layers")
"""Options that come as fields of their own too."""

SMALLEST_CONTEXT = 8
"""With less it ends the process."""
PROMPT_CACHE_MIB = 256
BYTES_PER_SECOND_AND_THREAD = 18e9
"""Weights that one thread works through in a second of prefill, measured on a 2-core machine."""
SMALLEST_CHUNK, LARGEST_CHUNK, LARGEST_CHUNK_PER_THREAD = 8, 512, 64
BUSY = 4
"""No slower than so many times what its size lets expect: then the machine was busy when it was seen, and
small chunks would make it slow for long."""
STEP = 0.16
"""Seconds. With the tokens of those that write beside it, others stand still for 0.2 at most."""
ERRORS_ONLY = 1
HTTP_THREADS = 4
"""Of those that ask it something; with a projector some answers go that way, too."""
NOWHERE = os.devnull
"""Where llama.cpp finds no program to which it would give bytes that it cannot read itself."""
SPINS = 300
"""Turns that a thread waits before it sleeps, some 7 us: as long as sleeping and being woken take."""
POOLINGS = {MEAN: "MEAN", 2: "CLS", 3: "LAST", RANK: "RANK"}
"""By llama.cpp's numbers."""


class LoadOptions(msgspec.Struct, frozen=True):
    """`LoadModel.options`: tokens per prefill chunk (0 chooses), MiB kept of earlier prompts, whether weights
    are copied into a faster layout (twice the memory, about twice the prefill speed), the file of what a
    model sees or hears with (found beside it where there is one; `off` for none), one of a chat template
    to be used, adapters, what guesses tokens (see `speculation`), and whether slots share a window
    (see `ai_pal.protocol.windows`)."""

    chunk: int = 0
    prompt_cache_mib: int = PROMPT_CACHE_MIB
    repack: bool = True
    mmproj: str = ""
    chat_template: str = ""
    lora: list[str] = []
    speculate: str = ""
    windows: Literal["auto", "shared", "own"] = "auto"


def load_options(spec: LoadModel) -> LoadOptions:
    """Raises `AiPalError` (`config_invalid`) for what is no option: a mistyped one would go unseen."""
    known = (*LoadOptions.__struct_fields__, *GENERAL)
    if unknown := sorted(set(spec.options) - set(known)):
        fail(
            Code.CONFIG_INVALID,
            f"llama.cpp has no model option {', '.join(unknown)}",
            f"there are: {', '.join(known)}",
        )
    try:
        options = msgspec.convert(spec.options, LoadOptions, strict=False)
    except msgspec.ValidationError as error:
        message = f"a model option is wrong: {field_in_words(error, LoadOptions)}"
        fail(Code.CONFIG_INVALID, message, f"there are: {', '.join(known)}")
    slots = slots_of(spec)
    if 0 < options.chunk < slots:  # llama.cpp would end the process
        message = f"a chunk of {options.chunk} tokens is too small: each of {slots} slots needs one"
        fail(Code.CONFIG_INVALID, message, "set a larger chunk, or fewer slots")
    return options


def parameters_for(
    xllamacpp: Any,
    spec: LoadModel,
    header: Header,
    count: int,
    context: int,
    projector: Projector | None = None,
    guesses: Speculation = NONE,
) -> Any:
    """What the server is made with. Raises `AiPalError` (`config_invalid`, `file_unreadable`)."""
    options, slots, windows = load_options(spec), slots_of(spec), windows_of(spec)
    parameters = xllamacpp.CommonParams()
    parameters.model.path = spec.path
    parameters.n_ctx = context * windows
    parameters.n_parallel = slots
    parameters.kv_unified = windows == 1  # one conversation may use the whole window
    if windows > 1 and guesses.draft is not None:
        fail(Code.CONFIG_INVALID, "with a draft, slots share one window", "leave windows or speculate out")
    _set_cache(xllamacpp, parameters, spec, header)
    chunk = options.chunk or max(prefill_chunk(header.size, count, spec.reads), slots)
    chunk = chunk_for(guesses, chunk, slots, fixed=bool(options.chunk))
    if pooling := pooling_of(header):
        if windows > 1:
            message = f"{spec.model} keeps nothing of the texts that it reads: it has no windows of its own"
            fail(Code.CONFIG_INVALID, message, "leave windows out")
        parameters.embedding = True
        name = f"LLAMA_POOLING_TYPE_{POOLINGS.get(pooling, 'UNSPECIFIED')}"
        parameters.pooling_type = getattr(xllamacpp.llama_pooling_type, name)
        chunk = context  # a text is read at once
    place(xllamacpp, parameters, spec, cards(xllamacpp))
    if projector is not None:
        parameters.mmproj.path = str(projector.path)
        parameters.mmproj_use_gpu = False
        parameters.media_path = f"{HANDLES}/" if can_hold() else ""
        if projector.reads_whole:
            chunk = max(chunk, LARGEST_WHOLE)
    parameters.n_batch = parameters.n_ubatch = chunk
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = count
    parameters.cache_ram_mib = options.prompt_cache_mib
    parameters.no_extra_bufts = not options.repack
    parameters.use_jinja = True
    parameters.prefill_assistant = False  # what an answer begins with is said by itself
    parameters.reasoning_format = xllamacpp.common_reasoning_format.COMMON_REASONING_FORMAT_DEEPSEEK
    parameters.video_ffmpeg_bin_dir = NOWHERE
    parameters.lora_adapters = [
        xllamacpp.CommonAdapterLoraInfo(str(one.path), one.scale) for one in adapters_in(spec.options)
    ]
    if template := own_template(spec, options):
        parameters.chat_template = carrying(template)
    # The HTTP server cannot be left out, so it listens where nobody else can reach it.
    parameters.n_threads_http = HTTP_THREADS + (slots if projector is not None else 0)
    parameters.ui = False
    parameters.endpoint_slots = keeps_prefixes(spec)
    if keeps_prefixes(spec):
        parameters.slot_save_path = f"{HANDLES}/"  # what it writes is opened by us, and named by number
    parameters.verbosity = ERRORS_ONLY
    apply(xllamacpp, parameters, guesses, count)
    return parameters


def _set_cache(xllamacpp: Any, parameters: Any, spec: LoadModel, header: Header) -> None:
    """Smaller numbers want flash attention: asked for, so that llama.cpp says it where a model has none.
    Raises `AiPalError` (`config_invalid`)."""
    kind = spec.kv_cache or "f16"
    if kind == "f16" or not header.kv_values:
        return
    if why := objection(header, kind):
        hint = 'leave kv_cache out, or write kv_cache = "f16" for this model'
        fail(Code.CONFIG_INVALID, f"the cache of {spec.model} cannot be {kind}: {why}", hint)
    parameters.cache_type_k = parameters.cache_type_v = xllamacpp.ggml_type(KINDS[kind])
    parameters.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_ENABLED


def keeps_prefixes(spec: LoadModel) -> bool:
    """Whether what is read of kept conversations outlives the process."""
    return bool(spec.prefixes and spec.prefix_bytes) and can_hold()


def fingerprint(spec: LoadModel, parameters: Any) -> str:
    """What a saved state depends on: the files, how they are loaded, and what computes with them. Raises
    OSError."""
    settings = {
        "engine": import_xllamacpp().__version__,
        "cache": [str(parameters.cache_type_k), str(parameters.cache_type_v), parameters.swa_full],
        "attention": str(parameters.flash_attn_type),
        "context": [parameters.n_ctx, parameters.kv_unified],
        "device": [parameters.n_gpu_layers, parameters.main_gpu],
        "adapters": [one.scale for one in adapters_in(spec.options)],
    }
    files = [*part_paths(Path(spec.path)), *(one.path for one in adapters_in(spec.options))]
    return fingerprint_of(files, settings)


def own_template(spec: LoadModel, options: LoadOptions) -> str:
    """The chat template that prompts are rendered with here, "" where that is llama.cpp's to do. One that
    asks for the time can be told it. Raises `AiPalError` (`file_unreadable`, `model_invalid`)."""
    if options.chat_template:
        return steerable(_text_of(Path(options.chat_template)))
    named = read_chat_templates(Path(spec.path))
    own = named.get("", "")
    if own and (with_tools := named.get("tool_use")):
        own = either(with_tools, own)
    is_whole = len(own) < LONGEST_KEPT and "\ufffd" not in own
    return steerable(own) if is_whole else ""


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        fail(Code.FILE_UNREADABLE, f"the chat template {path} cannot be read: {error}", "check chat_template")


def prefill_chunk(model_bytes: int, threads: int, reads: float = 0.0) -> int:
    """Tokens of a prompt that are computed at once, while others stand still and no cancel is heard: as many
    as it `reads` in a second, times `STEP`; where that was never seen, well below a second of work."""
    tokens, most = int(BYTES_PER_SECOND_AND_THREAD * threads / max(model_bytes, 1)), LARGEST_CHUNK
    if reads:
        tokens = max(int(reads * STEP), tokens // BUSY)
    else:
        most = LARGEST_CHUNK_PER_THREAD * threads
    power_of_two = 1 << max(tokens.bit_length() - 1, 0)
    return min(max(power_of_two, SMALLEST_CHUNK), most)


def window(spec: LoadModel, header: Header) -> int:
    """Raises `AiPalError` (`config_invalid`)."""
    if 0 < spec.context < SMALLEST_CONTEXT:
        asked = counted(spec.context, "token")
        message = f"a window of {asked} is too small: llama.cpp needs {SMALLEST_CONTEXT}"
        fail(Code.CONFIG_INVALID, message, "set a larger context, or leave it to the model")
    trained = header.context or LARGEST_DEFAULT_CONTEXT
    if spec.options.get("context") and header.context and spec.context > header.context:
        # Asked for by name; a general setting is for models of every size, and held to each one's own.
        asked = counted(spec.context, "token")
        message = f"a context of {asked} is larger than the model's own, {header.context}"
        fail(Code.CONFIG_INVALID, message, f"ask for at most {header.context}, or leave it out")
    return min(spec.context, trained) if spec.context else min(trained, LARGEST_DEFAULT_CONTEXT)


def import_xllamacpp() -> Any:
    """Raises `AiPalError` (`engine_missing`)."""
    os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))  # what the user has set stays
    try:
        import xllamacpp
    except ImportError as error:
        fail(
            Code.ENGINE_MISSING,
            f"llama.cpp is not usable here: {error}",
            f"run: {pip_install('xllamacpp')} (it needs the system library libgomp1)",
        )
    return xllamacpp
