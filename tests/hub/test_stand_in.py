"""A conversation with a model that is still being downloaded: another answers, and what it said is marked."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub import repositories as repos
from tests.hub.loopback import Hub, Repo, loopback_hub
from tests.process.homes import Environ, environment, stop_supervisor
from tests.process.screen import Terminal

pytestmark = pytest.mark.timeout(180)
WANTED = "org/starter:Q4_1"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with loopback_hub() as found:
        found.hold_after = 1_000_000
        found.gate.clear()
        yield found


@pytest.fixture
def home(ai_pal_home: Path, hub: Hub) -> Iterator[Environ]:
    environ = environment(ai_pal_home) | hub.environment
    environ |= {"HF_HOME": str(ai_pal_home / "hf"), "AI_PAL_MODEL_CACHE": str(ai_pal_home / "models")}
    yield environ
    stop_supervisor(environ)


@pytest.mark.real_model
def test_another_model_answers_for_the_time_of_a_download_and_is_told_apart(
    home: Environ, hub: Hub, starter_model: Path
) -> None:
    hub.repos["org/starter"] = Repo({"starter.Q4_1.gguf": starter_model.read_bytes()})
    with Terminal(["chat", "-m", WANTED, "--max-tokens", "8"], home, columns=120) as terminal:
        terminal.wait_for_prompt()
        terminal.enter("first question")
        terminal.wait_for(f"echo answers until {WANTED} is here")
        terminal.wait_for(
            r"echo · this machine · .* · org/starter:Q4_1: (\d+% downloaded|being downloaded|on its way)"
        )
        hub.gate.set()
        answers = 1
        while not re.search(f"{WANTED} is (here|ready) and answers from now on", terminal.text):
            terminal.wait_for_prompt()
            terminal.enter("next question")
            answers += 1
            terminal.wait_for(r"· this machine · \d+ tokens?", count=answers)
        assert f"{WANTED} · this machine" in terminal.text.rpartition("answers from now on")[2]
        file = Path(home["HOME"]) / "talk.md"
        terminal.wait_for_prompt()
        terminal.enter(f"/save {file}")
        terminal.wait_for("saved ")
    assert f"**echo** *(in place of {WANTED})*\n\nfirst question" in file.read_text()


def test_with_wait_a_download_is_waited_for(home: Environ, hub: Hub) -> None:
    hub.repos["org/quants"] = repos.ggufs()
    with Terminal(["chat", "--wait", "-m", "org/quants:Q4_K_M"], home, columns=120) as terminal:
        terminal.wait_for_prompt()
        terminal.enter("first question")
        assert hub.held.wait(60)
        terminal.wait_for(r"\d+%")
        assert "answers until" not in terminal.text
