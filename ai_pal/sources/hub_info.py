"""What the hub says of one repository: its commit, its files, its facts."""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ai_pal.catalog.caches.hub_cache import HubFacts
from ai_pal.errors import AiPalError, Code, fail
from ai_pal.protocol.wanted import HubFiles
from ai_pal.sources.hub_errors import unusable

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

T = TypeVar("T")

ANSWER_SECONDS = 20.0
RETRIES = 3
_RETRY_SECONDS = 1.0


class RemoteFile(NamedTuple):
    """A file of the repository. `digest` is the SHA-256 of a large file, else its git hash."""

    name: str
    size: int
    digest: str

    @property
    def sha256(self) -> str:
        return self.digest if len(self.digest) == 64 else ""


def model_info(wanted: HubFiles) -> "ModelInfo":
    """The repository as it is now. Raises what huggingface_hub raises."""
    from huggingface_hub import HfApi

    return retried(
        lambda: HfApi().model_info(
            wanted.repo, revision=wanted.revision or None, files_metadata=True, timeout=ANSWER_SECONDS
        )
    )


def facts_of(info: "ModelInfo") -> HubFacts:
    """What the hub says of a model. Nothing of it is needed: what is odd is left out."""
    tags = [tag for tag in info.tags or () if isinstance(tag, str)]
    licence = next((tag for tag in tags if tag.startswith("license:")), "").removeprefix("license:")
    gguf = info.gguf if isinstance(info.gguf, dict) else {}
    weights = getattr(info.safetensors, "total", 0) or gguf.get("total")
    context = gguf.get("context_length")
    return HubFacts(
        licence=licence,
        gated=info.gated in ("auto", "manual", True),
        parameters=weights if isinstance(weights, int) else 0,
        context=context if isinstance(context, int) else 0,
        task=info.pipeline_tag if isinstance(info.pipeline_tag, str) else "",
    )


def remote_files(info: "ModelInfo", wanted: HubFiles) -> Iterable[RemoteFile]:
    for sibling in info.siblings or ():
        name, digest = sibling.rfilename, sibling.lfs.sha256 if sibling.lfs else sibling.blob_id
        if name.startswith("/") or ".." in name.split("/") or "\\" in name or "\0" in name:
            fail(Code.MODEL_INVALID, f"{wanted.repo} has a file {name!r}", "do not trust this repository")
        if not isinstance(sibling.size, int) or not digest or not digest.isalnum():
            raise AiPalError(unusable(wanted))
        yield RemoteFile(name, sibling.size, digest)


def retried(action: Callable[[], T], figure: Callable[[], int] = lambda: 0) -> T:
    """`action`, tried again after network trouble; as long as `figure` grows, for ever."""
    import httpx2

    left, best = RETRIES, figure()
    while True:
        try:
            return action()
        except (httpx2.ConnectError, httpx2.ProxyError, httpx2.ReadTimeout):
            raise  # nobody is there, or the library has waited for it long enough
        except httpx2.TransportError:
            left, best = (RETRIES, figure()) if figure() > best else (left - 1, best)
            if left <= 0:
                raise
            time.sleep(_RETRY_SECONDS)
