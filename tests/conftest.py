"""Every test has an AI-PAL home of its own: nothing touches the user's supervisor, settings or logs."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from ai_pal.catalog import CATALOG, artifact_path
from ai_pal.config import load_settings
from tests import short_models

pytest_plugins = ["tests.collecting", "tests.servers.fixtures"]

# A test has a limit as a whole; a single example may meet a machine that is busy with something else.
hypothesis.settings.register_profile("ai-pal", deadline=None)
hypothesis.settings.load_profile("ai-pal")

# A shell that runs this in the background tells it to ignore Ctrl-C, `nohup` its hanging up; and so would all
# that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Most tests start processes: without bytecode beside the sources each of them compiles all that it imports.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

_KEPT = ("AI_PAL_TEST_", "AI_PAL_CHAOS_")
_MEMORY, _MUCH = "/dev/shm", 8 << 30
_SETTINGS = load_settings().settings


def _folder_of_homes() -> str:
    """In memory, where there is much: on a disk a new folder waits for the journal, thousands of times."""
    if os.path.isdir(_MEMORY) and shutil.disk_usage(_MEMORY).free > _MUCH:
        return "/tmp" if os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC else _MEMORY
    return "/tmp"


_HOMES = _folder_of_homes()


def pytest_configure(config: pytest.Config) -> None:
    """Each of several test processes keeps to one core: engines that spin for each other's threads on the
    same cores take ten times as long."""
    cores = sorted(os.sched_getaffinity(0))
    if worker := getattr(config, "workerinput", None):
        os.sched_setaffinity(0, {cores[int(worker["workerid"].removeprefix("gw")) % len(cores)]})


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def ai_pal_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A fresh `AI_PAL_HOME`, and no setting from outside. Short, because socket paths are."""
    for name in [name for name in os.environ if name.startswith("AI_PAL_") and not name.startswith(_KEPT)]:
        monkeypatch.delenv(name)
    home = Path(tempfile.mkdtemp(prefix="ai-pal-test-", dir=_HOMES))
    monkeypatch.setenv("AI_PAL_HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("OLLAMA_MODELS", str(home / "ollama"))
    # Models are large: those that setup fetched are shared.
    monkeypatch.setenv("AI_PAL_MODEL_CACHE", _SETTINGS.model_cache_dir)
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def starter_model() -> Path:
    """The GGUF file of the starter model."""
    artifact = CATALOG["smollm2"].artifact
    assert artifact is not None
    path = artifact_path(artifact, _SETTINGS)
    if not path.is_file():
        pytest.fail("the starter model is not here: run scripts/setup")
    return path


@pytest.fixture(scope="session")
def starter_safetensors(starter_model: Path) -> Path:
    """The starter model as a Hugging Face folder."""
    folder = Path.home() / ".ai-pal" / "test-models" / "smollm2-safetensors"
    if not folder.is_dir():
        pytest.fail("the converted starter model is not here: run scripts/setup --dev")
    return folder


@pytest.fixture(scope="session")
def short_starter(starter_model: Path) -> Iterator[Path]:
    """A GGUF file of the starter model's first layers."""
    with tempfile.TemporaryDirectory() as folder:
        yield short_models.short_gguf(starter_model, Path(folder, "short.gguf"))


@pytest.fixture(scope="session")
def short_safetensors(starter_safetensors: Path) -> Iterator[Path]:
    """The same as a Hugging Face folder."""
    with tempfile.TemporaryDirectory() as folder:
        yield short_models.short_folder(starter_safetensors, Path(folder, "short"))


@pytest.fixture(scope="session")
def few_safetensors(starter_safetensors: Path) -> Iterator[Path]:
    """The starter model's words with few random weights."""
    with tempfile.TemporaryDirectory() as folder:
        yield short_models.few_weights(starter_safetensors, Path(folder, "few"))
