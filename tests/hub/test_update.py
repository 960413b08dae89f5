"""What is newer on the hub: by the files of a model, fetched on request, and what cannot be asked is told."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pexpect
import pytest

from tests.hub import repositories as repos
from tests.hub.loopback import Hub, Repo, loopback_hub
from tests.hub.test_downloads import in_terminal
from tests.process.command import ai_pal
from tests.process.homes import Environ, environment, stop_supervisor

FACTS = {
    "tags": ["gguf", "license:apache-2.0"],
    "gguf": {"total": 1_500_000, "context_length": 2048},
    "pipeline_tag": "text-generation",
}
NAME = "org/quants:Q4_K_M"


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with loopback_hub() as found:
        yield found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, hub: Hub) -> Iterator[Environ]:
    folder = tmp_path_factory.mktemp("h")
    environ = environment(folder) | hub.environment
    environ |= {"HF_HOME": str(folder / "hf"), "AI_PAL_MODEL_CACHE": str(folder / "models")}
    yield environ
    stop_supervisor(environ)


@pytest.fixture
def model(home: Environ, hub: Hub) -> Repo:
    """A GGUF that was fetched, as the hub has it."""
    hub.repos["org/quants"] = repo = msgspec.structs.replace(repos.ggufs(), facts=FACTS)
    said = ai_pal(home, "pull", NAME)
    assert said.returncode == 0, said.stderr
    return repo


def verdicts(home: Environ, *args: str) -> tuple[int, dict[str, dict[str, object]]]:
    said = ai_pal(home, "update", "--json", *args)
    return said.returncode, {one["name"]: one for one in json.loads(said.stdout)}


def changed(repo: Repo, name: str, content: bytes) -> Repo:
    return msgspec.structs.replace(repo, files=repo.files | {name: content})


def test_a_changed_page_is_nothing_newer_and_a_changed_file_is_fetched(
    home: Environ, hub: Hub, model: Repo
) -> None:
    code, found = verdicts(home, NAME)
    assert (code, found[NAME]["verdict"]) == (0, "current")

    hub.repos["org/quants"] = changed(model, "README.md", b"# another page")
    code, found = verdicts(home, NAME)
    assert (code, found[NAME]["verdict"]) == (0, "current")
    assert found[NAME]["why"] == "other files of its repository have changed"

    newer = repos.GGUF + b"newer"
    hub.repos["org/quants"] = after = changed(model, "tiny.Q4_K_M.gguf", newer)
    said = ai_pal(home, "update", NAME)
    assert said.returncode == 0
    assert "newer" in said.stdout
    assert "fetch them: ai-pal update --pull" in said.stderr

    code, found = verdicts(home, "--pull", NAME)
    assert (code, found[NAME]["pulled"], found[NAME]["download"]) == (0, after.commit, len(newer))
    shown = json.loads(ai_pal(home, "show", "--json", NAME).stdout)
    assert Path(shown["path"]).read_bytes() == newer
    assert found[NAME]["older"] == f"org/quants@{model.commit[:12]}:Q4_K_M"
    assert ai_pal(home, "rm", "--yes", str(found[NAME]["older"])).returncode == 0
    assert verdicts(home, NAME)[1][NAME]["verdict"] == "current"


def test_only_what_has_changed_is_fetched(home: Environ, hub: Hub) -> None:
    hub.repos["org/two"] = repo = repos.sharded()
    assert ai_pal(home, "pull", "org/two").returncode == 0
    shard = repos.safetensors(400_000, 7)
    hub.repos["org/two"] = changed(repo, "model-00002-of-00002.safetensors", shard)
    hub.requests.clear()
    code, found = verdicts(home, "--pull", "org/two")
    assert (code, found["org/two"]["download"]) == (0, len(shard))
    assert hub.downloads("model-00002-of-00002.safetensors")
    assert not hub.downloads("model-00001-of-00002.safetensors")


def test_what_cannot_be_asked_is_told_and_what_gave_no_answer_fails(
    home: Environ, hub: Hub, model: Repo, starter_model: Path
) -> None:

    assert ai_pal(home, "add", str(starter_model), "--name", "mine").returncode == 0
    pinned = f"org/quants@{model.commit}:Q4_K_M"
    assert ai_pal(home, "pull", pinned).returncode == 0
    code, found = verdicts(home, "mine", pinned, "echo")
    assert code == 0
    assert {name: (one["verdict"], one["why"]) for name, one in found.items()} == {
        "mine": ("not asked", "it is a file of your own"),
        pinned: ("not asked", "you named this very commit"),
        "echo": ("not asked", "it is built in"),
    }
    del hub.repos["org/quants"]
    code, found = verdicts(home)
    assert (code, found[NAME]["verdict"], found[NAME]["code"]) == (1, "unknown", "model_not_found")
    assert found["mine"]["verdict"] == "not asked"
    assert ai_pal(home, "update", "org/none:Q8_0").returncode == 3


def test_on_a_terminal_a_yes_fetches_it(home: Environ, hub: Hub, model: Repo) -> None:
    hub.repos["org/quants"] = after = changed(model, "tiny.Q4_K_M.gguf", repos.GGUF + b"once more")
    terminal = in_terminal(home, "update", NAME)
    terminal.expect_exact("fetch 1 newer model (3 MB)? [y/N]")
    terminal.sendline("y")
    terminal.expect_exact(f"{NAME} is now {after.commit[:12]}")
    terminal.expect_exact("stays until: ai-pal rm org/quants@")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_what_the_hub_says_at_a_pull_is_kept_and_shown(home: Environ, model: Repo) -> None:
    shown = json.loads(ai_pal(home, "show", "--json", NAME).stdout)
    assert (shown["licence"], shown["parameters"], shown["gated"]) == ("apache-2.0", 1_500_000, False)
    listed = {one["name"]: one for one in json.loads(ai_pal(home, "list", "--json").stdout)}
    assert listed[NAME]["licence"] == "apache-2.0"


def test_facts_that_make_no_sense_are_left_out_and_fail_no_pull(home: Environ, hub: Hub) -> None:
    odd = {"tags": [7, None], "gguf": "none", "pipeline_tag": 3, "gated": "perhaps"}
    hub.repos["org/odd"] = msgspec.structs.replace(repos.ggufs(), facts=odd)
    said = ai_pal(home, "pull", "org/odd:Q8_0")
    assert said.returncode == 0, said.stderr
    shown = json.loads(ai_pal(home, "show", "--json", "org/odd:Q8_0").stdout)
    assert (shown["licence"], shown["parameters"], shown["gated"]) == ("", 0, False)
