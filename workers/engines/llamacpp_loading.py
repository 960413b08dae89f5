"""How llama.cpp is set up for a model: its own options, its window, what it is told to load."""

import os
from pathlib import Path
from typing import Any

import msgspec

from ai_pal.counted import counted
from ai_pal.errors import Code, fail, pip_install
from ai_pal.formats.adapters import adapters_in
from ai_pal.formats.gguf import MEAN, RANK, Header, pooling_of
from ai_pal.formats.projector import LARGEST_WHOLE, Projector
from ai_pal.protocol.value_rules import in_words
from ai_pal.protocol.worker import LARGEST_DEFAULT_CONTEXT, LoadModel
from workers import spin_throttle
from workers.engines.llamacpp_attachments import HANDLES, can_hold

SMALLEST_CONTEXT = 8
"""With less it ends the process."""
DEFAULT_SLOTS = 4
PROMPT_CACHE_MIB = 256
BYTES_PER_SECOND_AND_THREAD = 18e9
"""Weights that one thread works through in a second of prefill, measured on a 2-core machine."""
SMALLEST_CHUNK, LARGEST_CHUNK_PER_THREAD = 8, 64
ERRORS_ONLY = 1
NOWHERE = os.devnull
"""Where llama.cpp finds no program to which it would give bytes that it cannot read itself."""
SPINS = 1000
"""Turns that a thread waits before it sleeps: within a step they meet every few microseconds."""
POOLINGS = {MEAN: "MEAN", 2: "CLS", 3: "LAST", RANK: "RANK"}
"""By llama.cpp's numbers."""


class LoadOptions(msgspec.Struct, frozen=True):
    """`LoadModel.options`: tokens per prefill chunk (0 chooses), MiB kept of earlier prompts, whether weights
    are copied into a faster layout (twice the memory, about twice the prefill speed), the file of what a
    model sees or hears with (found beside it where there is one; `off` for none), one of a chat template
    to be used, and adapters."""

    chunk: int = 0
    prompt_cache_mib: int = PROMPT_CACHE_MIB
    repack: bool = True
    mmproj: str = ""
    chat_template: str = ""
    lora: list[str] = []


def load_options(spec: LoadModel) -> LoadOptions:
    """Raises `AiPalError` (`config_invalid`) for what is no option: a mistyped one would go unseen."""
    known = (*LoadOptions.__struct_fields__, "threads", "context", "slots")
    if unknown := sorted(set(spec.options) - set(known)):
        fail(
            Code.CONFIG_INVALID,
            f"llama.cpp has no model option {', '.join(unknown)}",
            f"there are: {', '.join(known)}",
        )
    try:
        options = msgspec.convert(spec.options, LoadOptions, strict=False)
    except msgspec.ValidationError as error:
        fail(
            Code.CONFIG_INVALID,
            f"a model option is wrong: {in_words(error)}",
            f"there are: {', '.join(known)}",
        )
    slots = spec.slots or DEFAULT_SLOTS
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
) -> Any:
    """What the server is made with. Raises `AiPalError` (`config_invalid`, `file_unreadable`)."""
    options = load_options(spec)
    slots = spec.slots or DEFAULT_SLOTS
    parameters = xllamacpp.CommonParams()
    parameters.model.path = spec.path
    parameters.n_ctx = context
    parameters.n_parallel = slots
    parameters.kv_unified = True  # one conversation may use the whole window
    chunk = options.chunk or max(prefill_chunk(header.size, count), slots)
    if pooling := pooling_of(header):
        parameters.embedding = True
        name = f"LLAMA_POOLING_TYPE_{POOLINGS.get(pooling, 'UNSPECIFIED')}"
        parameters.pooling_type = getattr(xllamacpp.llama_pooling_type, name)
        chunk = context  # a text is read at once
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
    parameters.reasoning_format = xllamacpp.common_reasoning_format.COMMON_REASONING_FORMAT_DEEPSEEK
    parameters.video_ffmpeg_bin_dir = NOWHERE
    parameters.lora_adapters = [
        xllamacpp.CommonAdapterLoraInfo(str(one.path), one.scale) for one in adapters_in(spec.options)
    ]
    if options.chat_template:
        parameters.chat_template = _text_of(Path(options.chat_template))
    # The HTTP server cannot be left out, so it listens where nobody else can reach it.
    parameters.n_threads_http = 4
    parameters.ui = parameters.endpoint_slots = False
    parameters.verbosity = ERRORS_ONLY
    return parameters


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        fail(Code.FILE_UNREADABLE, f"the chat template {path} cannot be read: {error}", "check chat_template")


def prefill_chunk(model_bytes: int, threads: int) -> int:
    """Tokens that are computed between two looks at the cancel flag: well below a second of work."""
    tokens = int(BYTES_PER_SECOND_AND_THREAD * threads / max(model_bytes, 1))
    power_of_two = 1 << max(tokens.bit_length() - 1, 0)
    return min(max(power_of_two, SMALLEST_CHUNK), LARGEST_CHUNK_PER_THREAD * threads)


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
    spin_throttle.prepare(SPINS)
    try:
        import xllamacpp
    except ImportError as error:
        fail(
            Code.ENGINE_MISSING,
            f"llama.cpp is not usable here: {error}",
            f"run: {pip_install('xllamacpp')} (it needs the system library libgomp1)",
        )
    return xllamacpp
