"""AI-PAL as others get it: a wheel in an empty environment, far from the checkout."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow]


def run(command: list[str | Path], cwd: Path) -> str:
    """Run without anything that could lead back to the checkout; gives stdout."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environ["PIP_CONSTRAINT"] = str(ROOT / "constraints.txt")
    done = subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def pip(bin_folder: Path) -> list[str | Path]:
    """The pip that is here, for that environment: one of its own takes seconds to be put there."""
    return [sys.executable, "-m", "pip", "--python", bin_folder / "python"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "hatchling", "build", "-d", folder], cwd=ROOT)
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a new environment with the wheel."""
    folder = tmp_path_factory.mktemp("installed")
    run([sys.executable, "-m", "venv", "--without-pip", folder / "v"], cwd=folder)
    wheel = next(built.glob("*.whl"))
    run([*pip(folder / "v" / "bin"), "install", "--quiet", "--no-compile", wheel], cwd=folder)
    return folder / "v" / "bin"


def test_the_wheel_holds_the_two_packages_only(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        tops = {name.split("/")[0] for name in wheel.namelist()}
        assert "ai_pal/py.typed" in wheel.namelist()
        assert "ai_pal/server/router/complexity/table.json" in wheel.namelist()
    assert {top for top in tops if not top.endswith(".dist-info")} == {"ai_pal", "workers"}


def test_the_source_distribution_holds_no_tests(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.split("/")[1] for name in archive.getnames()}
    texts = {"pyproject.toml", "README.md", "LICENSE", "NOTICE", "PKG-INFO", ".gitignore"}
    assert names <= {"ai_pal", "workers"} | texts
    assert {"ai_pal", "workers"} <= names


def test_the_command_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    assert run([installed / "ai-pal", "--version"], cwd=tmp_path).startswith("ai-pal ")
    assert "smollm2" in run([installed / "ai-pal", "list"], cwd=tmp_path)


def test_nothing_is_imported_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    show = "import ai_pal, workers; print(ai_pal.__file__, workers.__file__)"
    for path in run([installed / "python", "-c", show], cwd=tmp_path).split():
        assert Path(path).is_relative_to(installed.parent)


@pytest.mark.usefixtures("starter_model")
def test_a_question_is_answered_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    question = "What is the capital of France?"
    ask: list[str | Path] = [installed / "ai-pal", "chat", "--no-daemon", "--temperature", "0", question]
    assert "Paris" in run(ask, cwd=tmp_path)


def test_the_base_comes_without_torch(installed: Path, tmp_path: Path) -> None:
    names = run([*pip(installed), "list", "--format=freeze"], cwd=tmp_path)
    assert "xllamacpp" in names
    assert "torch" not in names
