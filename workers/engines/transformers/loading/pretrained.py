"""What of a model is read without weights: its configuration, its class, its tokenizer. Needs no torch."""

import importlib
from importlib.util import find_spec
from typing import Any, NoReturn

import transformers
from transformers import AutoConfig, AutoTokenizer

from ai_pal.errors import Code, fail, install_extra
from workers.engines.transformers.loading.folder import Folder, read_json

DOES = {
    "text": "write text",
    "vision": "write text about pictures",
    "embed": "turn texts into vectors",
    "rerank": "rank texts",
}
CLASSES = {
    "text": "MODEL_FOR_CAUSAL_LM_MAPPING",
    "vision": "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING",
    "embed": "MODEL_MAPPING",
    "rerank": "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING",
}
"""Where the library lists its classes, in a module that without torch has to be imported by its name."""
MASKS = "fills masks, one behind the text at each step"
BY_MORE_THAN_TOKENS = {"moshi": "writes beside what it hears and speaks", "xlm": MASKS, "xlnet": MASKS}
"""Types that the library has write by inputs of its own making: asked for the next token they say another."""
SAFE = {"local_files_only": True, "trust_remote_code": False}
OF_PROCESSORS = "chat_template.json"
"""Where processors keep the template; the library's tokenizers do not look there."""
READERS = {"sentencepiece": "sentencepiece", "protobuf": "google.protobuf"}
"""Packages that read a SentencePiece tokenizer, and their modules."""
LONGEST_REASON = 300
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


def examine(folder: Folder) -> tuple[Any, Any]:
    """The configuration and the tokenizer of a model that the library has a class for. Raises `AiPalError`
    (`model_invalid`)."""
    config = _config(folder)
    if folder.kind == "rerank" and config.num_labels != 1:
        refuse(folder, f"it sorts texts into {config.num_labels} classes and does not rank them")
    tokenizer = _tokenizer(folder)
    known = getattr(importlib.import_module("transformers.models.auto.modeling_auto"), CLASSES[folder.kind])
    if type(config) not in known:
        if folder.wants_code:
            _refuse_code(folder)
        refuse(folder, f"a {folder.model_type} model does not {DOES[folder.kind]}")
    if folder.kind == "text" and (what := BY_MORE_THAN_TOKENS.get(config.model_type)):
        refuse(folder, f"a {config.model_type} model {what}")
    return config, tokenizer


def _config(folder: Folder) -> Any:
    try:
        return AutoConfig.from_pretrained(folder.path, **SAFE)
    except Exception as error:  # noqa: BLE001 - the library raises anything over a stranger's file
        if folder.wants_code:
            _refuse_code(folder)
        refuse(folder, f"its configuration is not understood: {short(error)}")


def _tokenizer(folder: Folder) -> Any:
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder.path, **SAFE)
        if tokenizer.is_fast:
            tokenizer.backend_tokenizer.no_truncation()
            tokenizer.backend_tokenizer.no_padding()
    except Exception as error:  # noqa: BLE001
        _look_for_readers(folder)
        refuse(folder, f"its tokenizer cannot be loaded: {short(error)}")
    if not tokenizer.chat_template and (folder.path / OF_PROCESSORS).is_file():
        tokenizer.chat_template = _templates(read_json(folder.path / OF_PROCESSORS).get("chat_template"))
    return tokenizer


def _templates(told: Any) -> Any:
    """One, or several by their names, as the library has them of a list."""
    if not isinstance(told, list):
        return told
    named = [one for one in told if isinstance(one, dict) and {"name", "template"} <= one.keys()]
    return {str(one["name"]): one["template"] for one in named}


def _look_for_readers(folder: Folder) -> None:
    """The library names something else where these are missing. Raises `AiPalError` (`engine_missing`)."""
    missing = [name for name, module in READERS.items() if not _is_here(module)]
    if missing and not (folder.path / "tokenizer.json").is_file() and any(folder.path.glob("*.model")):
        message = f"{folder.path} has only a SentencePiece tokenizer, which needs {' and '.join(missing)}"
        fail(Code.ENGINE_MISSING, message, f"run: {install_extra('transformers')}")


def _is_here(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package around it
        return False


def refuse(folder: Folder, reason: str) -> NoReturn:
    fail(Code.MODEL_INVALID, f"{folder.path} cannot be loaded: {reason}", "use another version of the model")


def _refuse_code(folder: Folder) -> NoReturn:
    fail(
        Code.MODEL_INVALID,
        f"{folder.path} brings its own Python code for {folder.model_type!r}, which is never run",
        "use a model of a class that transformers has itself",
    )


def short(error: Exception) -> str:
    """What a library says, in one line and not too long."""
    if isinstance(error, KeyError) and error.args:
        return f"the library knows no {error.args[0]!r}"[:LONGEST_REASON]
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    said = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
    return said[:LONGEST_REASON]
