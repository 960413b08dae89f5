"""scripts/setup: silent and quick when all is there, clear when something is missing.

The whole installation is what brought the tests here; CI starts from a clean clone.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ["bash", "cat", "cksum", "dirname", "flock", "grep", "tail", "uname"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that is set up already, with a .venv of stand-ins."""
    top = tmp_path / "checkout"
    shutil.copytree(ROOT / "scripts", top / "scripts")
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, top)
    (top / ".venv/bin").mkdir(parents=True)
    (top / ".venv/bin/python").symlink_to(sys.executable)
    (top / "model.gguf").touch()
    source = "source scripts/setup-state; remember_packages ''; remember_starter $PWD/model.gguf"
    subprocess.run(["bash", "-c", source], cwd=top, env=environment(top), check=True, timeout=120)
    return top


def environment(top: Path, *, tools: Path | None = None) -> dict[str, str]:
    return {"HOME": str(top), "PATH": str(tools or os.environ["PATH"])}


def run_setup(
    top: Path, *arguments: str, tools: Path | None = None, variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shutil.which("bash") or "bash", str(top / "scripts/setup"), *arguments],
        cwd="/",
        env=environment(top, tools=tools) | (variables or {}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def only_tools(tmp_path: Path) -> Path:
    """A PATH with what the script needs, and no Python."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in TOOLS:
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    return folder


def test_when_all_is_there_nothing_is_said(checkout: Path) -> None:
    done = run_setup(checkout)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_changed_pin_means_installing_again(checkout: Path, only_tools: Path) -> None:
    with (checkout / "constraints.txt").open("a") as file:
        file.write("one-more==1.0\n")
    (checkout / ".venv/bin/python").unlink()
    assert "no Python 3.11 or newer" in run_setup(checkout, tools=only_tools).stderr


def test_a_moved_checkout_is_set_up_again(checkout: Path, only_tools: Path) -> None:
    moved = checkout.rename(checkout.with_name("moved"))
    (moved / ".venv/bin/python").unlink()
    assert "no Python 3.11 or newer" in run_setup(moved, tools=only_tools).stderr


@pytest.mark.parametrize("variable", ["AI_PAL_MODEL_CACHE", "AI_PAL_HOME"])
def test_another_cache_gets_its_starter_model(checkout: Path, variable: str) -> None:
    pal = checkout / ".venv/bin/ai-pal"
    pal.write_text('#!/bin/bash\necho "smollm2 is ready: $PWD/model.gguf"\n')
    pal.chmod(0o755)
    assert "fetching the starter model" in run_setup(checkout, variables={variable: "/elsewhere"}).stderr
    assert run_setup(checkout, variables={variable: "/elsewhere"}).stderr == ""


def test_a_starter_model_that_cannot_be_fetched_ends_the_setup(checkout: Path) -> None:
    (checkout / "model.gguf").unlink()
    pal = checkout / ".venv/bin/ai-pal"
    pal.write_text("#!/bin/bash\nexit 1\n")
    pal.chmod(0o755)
    done = run_setup(checkout)
    assert done.returncode == 1
    assert "the starter model could not be fetched" in done.stderr


def test_without_python_the_error_says_what_to_do(checkout: Path, only_tools: Path) -> None:
    shutil.rmtree(checkout / ".venv")
    done = run_setup(checkout, tools=only_tools)
    assert done.returncode == 1
    assert "error: no Python 3.11 or newer was found" in done.stderr
    assert "hint: install it, or set PYTHON to one" in done.stderr


def test_an_old_python_is_not_taken(checkout: Path, only_tools: Path) -> None:
    shutil.rmtree(checkout / ".venv")
    old = only_tools / "python3"
    old.write_text("#!/bin/bash\nexit 1\n")
    old.chmod(0o755)
    assert "no Python 3.11 or newer" in run_setup(checkout, tools=only_tools).stderr


def test_windows_is_refused(checkout: Path, only_tools: Path) -> None:
    shutil.rmtree(checkout / ".venv")
    (only_tools / "uname").unlink()
    (only_tools / "uname").write_text("#!/bin/bash\necho MINGW64_NT\n")
    (only_tools / "uname").chmod(0o755)
    done = run_setup(checkout, tools=only_tools)
    assert done.returncode == 1
    assert "error: MINGW64_NT is not supported" in done.stderr
    assert "WSL 2" in done.stderr


def test_help_says_what_it_brings(checkout: Path) -> None:
    done = run_setup(checkout, "--help")
    assert done.returncode == 0
    assert "scripts/setup --dev" in done.stdout


def test_an_unknown_option_is_refused(checkout: Path) -> None:
    done = run_setup(checkout, "--all")
    assert done.returncode == 1
    assert "unknown option --all" in done.stderr


def lacking(checkout: Path, npm: str, ai_pal: str) -> dict[str, str]:
    """Variables for a checkout that lacks the starter model and the SDKs of Node, with what brings these."""
    for folder in (".ai-pal/test-models/all-minilm-l6-v2", ".ai-pal/test-models/smollm2-safetensors", "bin"):
        (checkout / folder).mkdir(parents=True)
    (checkout / "ollama").mkdir()
    layout = next(line for line in (ROOT / "scripts/fetch_ollama").read_text().split() if "layout=" in line)
    (checkout / "ollama/.ready").write_text(layout.partition("=")[2])
    (checkout / "tests/gateway/node").mkdir(parents=True)
    (checkout / "tests/gateway/node/package.json").touch()
    for name in ("to_npm", "to_starter"):
        os.mkfifo(checkout / name)
    programs = {
        "bin/npm": npm,
        ".venv/bin/ai-pal": ai_pal,
        **dict.fromkeys(("bin/zsh", "bin/fish", "bin/chromium-headless-shell", "bin/apt-get"), "exit 1"),
    }
    for name, text in programs.items():
        (checkout / name).write_text(f"#!/bin/bash\n{text}\n")
        (checkout / name).chmod(0o755)
    (checkout / ".venv/.setup-starter").unlink()
    remember = "source scripts/setup-state; remember_packages '[dev,transformers,clouds,http,cluster]'"
    subprocess.run(["bash", "-c", remember], cwd=checkout, env=environment(checkout), check=True, timeout=120)
    path = f"{checkout / 'bin'}:{os.environ['PATH']}"
    return {"AI_PAL_TEST_OLLAMA": str(checkout / "ollama"), "PATH": path}


@pytest.mark.parametrize("brought", [True, False])
def test_what_needs_no_packages_is_brought_beside_them_and_told_of_before_the_end(
    checkout: Path, brought: bool
) -> None:
    """The SDKs of Node come only while the starter model is fetched: each waits for the other."""
    variables = lacking(
        checkout,
        npm=f"cat {checkout}/to_npm; echo > {checkout}/to_starter; exit {int(not brought)}",
        ai_pal=f"echo > {checkout}/to_npm; cat {checkout}/to_starter; echo is: $PWD/model.gguf",
    )
    done = run_setup(checkout, "--dev", variables=variables)
    assert done.returncode == 0, done.stderr
    *_, ready = done.stderr.splitlines()
    assert ready == "setup: ready"
    said = done.stderr.partition("fetching the SDKs of Node")[2]
    assert ("done in" in said) == brought
    assert ("setup: going on without them" in said) != brought
    assert not brought or run_setup(checkout, "--dev", variables=variables).stderr == ""


def test_where_it_fails_nothing_goes_on_behind_it(checkout: Path) -> None:
    variables = lacking(
        checkout,
        npm=f"echo > {checkout}/to_starter; cat {checkout}/to_npm",
        ai_pal=f"cat {checkout}/to_starter; exit 1",
    )
    with subprocess.Popen(
        ["bash", str(checkout / "scripts/setup"), "--dev"],
        env=environment(checkout) | variables,
        stderr=subprocess.PIPE,
        text=True,
    ) as setup:
        assert setup.stderr is not None
        assert any(line.startswith("error: the starter") for line in setup.stderr)
        (checkout / "to_npm").write_text("go on")
        said = setup.stderr.read()
    assert setup.returncode == 1
    assert "done in" in said.partition("fetching the SDKs of Node")[2]
