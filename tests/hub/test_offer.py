"""Somebody new: the starter answers at once, and a better model is offered once."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_pal.catalog.choosing.best import ladder
from ai_pal.protocol.wanted import HubFiles
from tests import tiny_gguf
from tests.hub.loopback import TIMEOUT, Hub, Repo, loopback_hub
from tests.process.command import ai_pal
from tests.process.eventually import eventually
from tests.process.homes import Environ, environment, stop_supervisor
from tests.process.screen import Terminal

QUESTION = r"fetch it now, while smollm2 goes on\? \[y/N\]"
PROMPT = r"(?m)^>"
FIGURES = r" · this machine · \d+ tokens?"
BRIEF = ["chat", "--max-tokens", "3", "--no-history"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return tiny_gguf.save(tmp_path_factory.mktemp("g") / "m.gguf", "sentencepiece").read_bytes()


@pytest.fixture
def hub(weights: bytes) -> Iterator[Hub]:
    with loopback_hub() as found:
        for entry in ladder():
            wanted = entry.variants[0].wanted
            assert isinstance(wanted, HubFiles)
            found.repos[wanted.repo] = Repo({f"model.{wanted.gguf}.gguf": weights})
        yield found


@pytest.fixture
def home(ai_pal_home: Path, hub: Hub, starter_model: Path) -> Iterator[Environ]:
    """The starter is here and nothing else, and no model is chosen."""
    environ = environment(ai_pal_home) | hub.environment
    environ |= {"HF_HOME": str(ai_pal_home / "hf"), "AI_PAL_MODEL_CACHE": str(ai_pal_home / "models")}
    del environ["AI_PAL_MODEL"]
    (ai_pal_home / "models").mkdir()
    (ai_pal_home / "models" / "smollm2").symlink_to(starter_model.parent)
    yield environ
    stop_supervisor(environ)


def said(home: Environ) -> dict[str, object]:
    return dict(json.loads((Path(home["AI_PAL_HOME"]) / "offer.json").read_text()))


def told(terminal: Terminal, words: str) -> bool:
    """Whether this was said. News of a download come before a prompt: after the next Enter, at the latest."""
    prompts = len(re.findall(PROMPT, terminal.text))
    terminal.enter("")
    terminal.wait_for(PROMPT, prompts + 1)
    return words in " ".join(terminal.text.split())


def test_a_yes_fetches_it_while_the_starter_answers_and_then_it_answers(home: Environ, hub: Hub) -> None:
    hub.gate.clear()
    hub.hold_after = 100_000
    with Terminal(BRIEF, home, columns=120) as terminal:
        terminal.wait_for(QUESTION)
        shown = " ".join(terminal.text.split())
        name = re.search(r"The best model for this machine is (\S+):", shown)
        assert name is not None, shown
        assert re.search(r"GB to download .* of memory about \d+ tokens a second the ", shown)
        terminal.enter("y")
        terminal.wait_for("is fetched beside this conversation")
        terminal.wait_for_prompt()
        assert hub.held.wait(60)
        terminal.enter("hello")
        terminal.wait_for(rf"smollm2{FIGURES}.*\d+% downloaded")
        hub.gate.set()
        eventually(lambda: told(terminal, "is here and answers from now on"), within=TIMEOUT)
        terminal.enter("and you?")
        terminal.wait_for(rf"{re.escape(name[1])}{FIGURES}")
        terminal.wait_for_prompt()
        terminal.send("\x04")
        assert terminal.exit_code() == 0
    assert said(home) == {"model": name[1], "agreed": True}
    with Terminal(BRIEF, home) as terminal:
        terminal.wait_for_prompt()
        assert "fetch it now" not in terminal.text


def test_a_no_is_a_no(home: Environ, hub: Hub) -> None:
    with Terminal(BRIEF, home) as terminal:
        terminal.wait_for(QUESTION)
        terminal.enter("")
        terminal.wait_for("later: ai-pal pull ")
        terminal.wait_for_prompt()
    assert said(home)["agreed"] is False
    with Terminal(BRIEF, home) as terminal:
        terminal.wait_for_prompt()
        assert "fetch it now" not in terminal.text
    assert not hub.requests


def test_what_cannot_be_fetched_is_told_and_the_starter_goes_on(home: Environ, hub: Hub) -> None:
    hub.repos.clear()
    with Terminal(BRIEF, home) as terminal:
        terminal.wait_for(QUESTION)
        terminal.enter("y")
        terminal.wait_for_prompt()
        eventually(lambda: len(hub.requests) > 0, within=TIMEOUT)
        terminal.enter("hello")
        terminal.wait_for(rf"smollm2{FIGURES}")
        eventually(lambda: told(terminal, "was not fetched: there is no"), within=TIMEOUT)


def test_without_a_network_nothing_is_said_of_what_was_agreed_to_once(home: Environ, hub: Hub) -> None:
    name = ladder()[0].name
    offer = Path(home["AI_PAL_HOME"]) / "offer.json"
    offer.write_text(json.dumps({"model": name, "agreed": True}))
    with Terminal(BRIEF, home | {"HF_ENDPOINT": "http://127.0.0.1:9"}) as terminal:
        for _ in range(2):  # what is to be said is said before the next answer
            terminal.wait_for_prompt()
            terminal.enter("hello")
            terminal.wait_for(rf"smollm2{FIGURES}")
            terminal.wait_for_prompt()
        assert "fetch" not in terminal.text
        assert name not in terminal.text


@pytest.mark.parametrize(
    "more",
    [{"HF_HUB_OFFLINE": "1"}, {"AI_PAL_LOCAL_ONLY": "1"}, {"AI_PAL_MODEL": "echo"}],
    ids=["offline", "private", "chosen"],
)
def test_nobody_is_asked_without_a_way_or_with_a_model_of_their_choice(
    home: Environ, more: dict[str, str]
) -> None:
    with Terminal(BRIEF, home | more) as terminal:
        terminal.wait_for_prompt()
        assert "fetch it now" not in terminal.text
    assert not (Path(home["AI_PAL_HOME"]) / "offer.json").exists()


def test_one_question_and_pipes_are_not_asked(home: Environ) -> None:
    with Terminal([*BRIEF, "hello"], home) as terminal:
        assert terminal.exit_code() == 0
        assert "fetch it now" not in terminal.text
    assert ai_pal(home, *BRIEF, "hello").returncode == 0
    assert not (Path(home["AI_PAL_HOME"]) / "offer.json").exists()
