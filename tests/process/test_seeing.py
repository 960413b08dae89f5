"""Pictures on the command line: the starter model behind a small random projector, and without one."""

import json
import subprocess
from pathlib import Path

import pytest

from tests import odd_pictures as odd
from tests import projectors
from tests.process.command import ai_pal_bytes
from tests.process.homes import Environ
from tests.process.screen import Terminal

pytestmark = pytest.mark.real_model


@pytest.fixture
def seeing(tmp_path: Path, starter_model: Path) -> Path:
    """A folder with a model, a projector under another name, and pictures."""
    (tmp_path / "m.gguf").symlink_to(starter_model)
    projectors.save(tmp_path / "eye.gguf")
    for colour in ("red", "blue"):
        (tmp_path / f"{colour}.png").write_bytes(odd.plain(colour, size=(300, 200)))
    return tmp_path


def chat(home: Environ, cwd: Path, *args: str) -> subprocess.CompletedProcess[bytes]:
    return ai_pal_bytes(home, "chat", "--json", "--max-tokens", "4", *args, cwd=cwd)


def test_a_picture_goes_the_whole_way(home: Environ, seeing: Path) -> None:
    model = ["-m", "./m.gguf?mmproj=eye.gguf", "--context", "512"]
    one = chat(home, seeing, *model, "-a", "red.png", "What is it?")
    assert one.returncode == 0, one.stderr
    first = json.loads(one.stdout)["usage"]["prompt_tokens"]
    patches = (projectors.IMAGE // projectors.PATCH) ** 2
    two = chat(home, seeing, *model, "-a", "red.png", "-a", "blue.png", "What is it?")
    assert json.loads(two.stdout)["usage"]["prompt_tokens"] == first + patches
    then = chat(home, seeing, *model, "--continue", "And now?")
    assert json.loads(then.stdout)["usage"]["prompt_tokens"] > first + patches


def test_what_a_blind_model_refuses_stays_attached(home: Environ, seeing: Path) -> None:
    with Terminal(["chat", "-m", str(seeing / "m.gguf")], home) as terminal:
        terminal.wait_for_prompt()
        terminal.enter(f"/attach {seeing}/red.png")
        terminal.wait_for(r"\(1 attached\) >")
        terminal.enter("What is it?")
        terminal.wait_for("cannot look at images")
        terminal.wait_for("ask a model that sees")
        terminal.wait_for("still attached: red.png")
        terminal.wait_for(r"\(1 attached\) >", count=2)
        terminal.enter("/retry")
        terminal.wait_for("still attached: red.png; /detach", count=2)


def test_a_refusal_names_a_model_here_that_sees(home: Environ, seeing: Path) -> None:
    settings = Path(home["HOME"]) / ".config/ai-pal/config.toml"
    settings.parent.mkdir(parents=True)
    named = {"blind": seeing / "m.gguf", "watcher": f"{seeing}/m.gguf?mmproj={seeing}/eye.gguf"}
    lines = [f'[models.{name}]\nmodel = "{where}"\n' for name, where in named.items()]
    settings.write_text("".join(lines))
    refused = chat(home, seeing, "-m", "blind", "-a", "red.png", "What is it?")
    assert refused.returncode != 0
    assert b"blind cannot look at images" in refused.stderr + refused.stdout
    assert b"watcher can: --model watcher" in refused.stderr + refused.stdout
