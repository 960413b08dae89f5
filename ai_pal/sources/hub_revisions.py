"""What the hub has now under references to repositories, without fetching any of it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ai_pal.catalog.references.text import hub_files
from ai_pal.catalog.weights import layout
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol.hub import HubFile, HubRevision
from ai_pal.sources.hub_client import use
from ai_pal.sources.hub_errors import explained, renamed
from ai_pal.sources.hub_info import model_info, remote_files

AT_ONCE = 8


def revisions(references: Sequence[str]) -> list[HubRevision]:
    """One for each reference, in their order."""
    use()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(_revision, references))


def _revision(reference: str) -> HubRevision:
    wanted = hub_files(reference)
    if wanted is None:
        failure = Failure(Code.MODEL_NOT_FOUND, f"{reference!r} is no repository", "write org/name@revision")
        return HubRevision(reference, failure=failure)
    try:
        with explained(wanted):
            info = model_info(wanted)
        if info.id and info.id != wanted.repo:
            renamed(wanted.repo, info.id)
        files = [
            HubFile(*file)
            for file in remote_files(info, wanted)
            if layout.is_needed(file.name) or file.name.lower().endswith(".gguf")
        ]
    except AiPalError as error:
        return HubRevision(reference, failure=error.failure)
    updated = info.last_modified.date().isoformat() if info.last_modified else ""
    return HubRevision(reference, str(info.sha), updated, files)
