"""What `ai-pal supervise --http` starts: the gateway's processes, after a look whether they can listen."""

import contextlib
import importlib.util
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ai_pal.config.listening import Address, listens_at
from ai_pal.errors import Code, fail, pip_install
from ai_pal.transport.run_directory import RunDirectory

if TYPE_CHECKING:
    import tempfile

    from ai_pal.config.settings import Settings

_PLACES = ("AI_PAL_HOME", "AI_PAL_CONFIG", "XDG_CONFIG_HOME")
_OWN = "AI_PAL_HTTP_"
_COUNTED = "http-metrics-"


class Front(NamedTuple):
    """Where HTTP is to be answered, by how many processes; it was free a moment ago."""

    place: Address | Path
    processes: int


def wanted(flag: str, settings: "Settings") -> Front:
    """What the flag (empty: as the settings say) and the settings want. Raises `AiPalError`: the packages are
    missing, or nobody can listen there."""
    _require_packages()
    from ai_pal.cli.service.http_workers import require_shared
    from ai_pal.cli.service.serve import check_place, taken

    try:
        place = listens_at(flag or settings.http.listen)
    except ValueError as error:
        fail(Code.BAD_REQUEST, f"--http: {error}", "such as 127.0.0.1:11435")
    require_shared(place, settings.http.workers)
    check_place(place, settings.http)
    with taken(place) as listening:
        if isinstance(place, Path):
            place.unlink(missing_ok=True)
        else:
            place = Address(place.host, listening.getsockname()[1])
    return Front(place, settings.http.workers)


class Children(NamedTuple):
    """So many processes that run `module`, each with these arguments and this environment; how long the loop
    of one may be silent."""

    module: str
    args: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    processes: int
    silent: float


@contextlib.contextmanager
def children_of(
    front: Front, held: RunDirectory, settings: "Settings", environ: Mapping[str, str] = os.environ
) -> Iterator[Children]:
    """The processes that answer there, as clients of the supervisor that has this run directory. Of the
    environment they see what is theirs: no key of a provider."""
    from ai_pal.cli.service.http_workers import METRICS, MODULE, flags_of

    chosen = {name: text for name, text in environ.items() if name in _PLACES or name.startswith(_OWN)}
    chosen |= {"AI_PAL_LOG_LEVEL": settings.log_level, "AI_PAL_HISTORY": str(settings.history).lower()}
    flags = ("--supervisor", held.front, *flags_of(front.place, front.processes))
    with contextlib.ExitStack() as stack:
        if front.processes > 1:
            chosen[METRICS] = stack.enter_context(_folder(held.folder))
        yield Children(MODULE, flags, tuple(sorted(chosen.items())), front.processes, settings.beat_timeout)


def _folder(run_dir: Path) -> "tempfile.TemporaryDirectory[str]":
    """A new one for what the processes count together; those of supervisors that were killed go."""
    import shutil
    import tempfile

    for left in run_dir.glob(f"{_COUNTED}*"):
        shutil.rmtree(left, ignore_errors=True)
    return tempfile.TemporaryDirectory(prefix=_COUNTED, dir=run_dir, ignore_cleanup_errors=True)


def _require_packages() -> None:
    from ai_pal.cli.service.serve import MODULES, PACKAGES

    for module in MODULES:
        if importlib.util.find_spec(module) is None:
            hint = " ".join([pip_install(PACKAGES[0]), *PACKAGES[1:]])
            fail(Code.SDK_MISSING, f"{module} is not installed", hint)
