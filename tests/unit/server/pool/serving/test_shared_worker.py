"""Two names of one model share its worker; two ways to load it do not."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.config import ModelSettings, Settings
from ai_pal.errors import Code, fail
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.worker import CountTokens, LoadModel
from ai_pal.server.app.references import load_of
from ai_pal.server.jobs import Job
from ai_pal.server.pool.serving import terms
from tests.simulation.memory_world import Host, Machine
from tests.unit.server.pool.test_jobs import Heard

FILE = "/m/phi-2.Q4_K_M.gguf"
KNOWN = {
    "phi-2": Resolved(LoadModel("phi-2", "llamacpp", FILE), file=FILE),
    "phi-2:q4_k_m": Resolved(LoadModel("phi-2:q4_k_m", "llamacpp", FILE), file=FILE),
    "/link.gguf": Resolved(LoadModel("/link.gguf", "llamacpp", "/link.gguf"), file=FILE, pinned=True),
    "phi-2?context=99": Resolved(
        LoadModel("phi-2?context=99", "llamacpp", FILE, context=99, options={"context": 99}), file=FILE
    ),
    "short": Resolved(LoadModel("short", "llamacpp", FILE, context=99), file=FILE),
    **{
        name: Resolved(
            LoadModel(name, "llamacpp", FILE, slots=2, options={"windows": name} if name != "two" else {}),
            file=FILE,
        )
        for name in ("two", "own", "shared", "odd")
    },
    "other": Resolved(LoadModel("other", "llamacpp", "/m/other.gguf"), file="/m/other.gguf"),
    "echo": Resolved(LoadModel("echo", "echo")),
    "echo2": Resolved(LoadModel("echo2", "echo")),
}


class Named(Host):
    """A supervisor of these models, in a world where nothing goes wrong."""

    def __init__(self) -> None:
        machine = Machine(1, dict.fromkeys([*KNOWN, *(one.vocabulary.name for one in KNOWN.values())], 5))
        machine.dice.random = lambda: 0.5  # type: ignore[method-assign]
        super().__init__(machine)

    def _resolve(self, reference: str) -> Resolved:
        return KNOWN.get(reference) or fail(Code.MODEL_NOT_FOUND, f"there is no model {reference}")

    def ask(self, *models: str) -> list[str]:
        """What is loaded after all these have answered."""
        for model in models:
            self.chat(model)
        self.machine.run(self.machine.now + 15.0)
        assert all(isinstance(end, wire.Done) for ends in self.ends.values() for end in ends)
        return sorted(status.model for status in self.supervisor.statuses())


@pytest.mark.parametrize(
    ("models", "loaded"),
    [
        (("phi-2", "phi-2:q4_k_m"), ["phi-2"]),
        (("phi-2:q4_k_m", "phi-2", "/link.gguf"), ["phi-2:q4_k_m"]),
        (("phi-2?context=99", "short"), ["phi-2?context=99"]),
        (("phi-2", "short"), ["phi-2", "short"]),
        (("phi-2", "other"), ["other", "phi-2"]),
        (("echo", "echo2"), ["echo", "echo2"]),
    ],
)
def test_the_same_file_loaded_the_same_way_is_one_worker(models: tuple[str, ...], loaded: list[str]) -> None:
    host = Named()
    assert host.ask(*models) == loaded
    assert len(host.launched) == len(loaded)


@pytest.mark.parametrize("own", [True, False])
def test_windows_that_a_model_got_by_itself_are_those_that_are_asked_for(own: bool) -> None:
    host = Named()
    terms.take(host.supervisor.pool, replace(host.supervisor.pool.policy, keep_alive=600.0))
    host.ask("two")
    worker = host.supervisor.pool.find("two")
    assert worker is not None
    worker.own_windows = own
    assert host.ask("own", "shared") == sorted(["two", "shared" if own else "own"])


@pytest.mark.parametrize(
    ("first", "second", "loaded"),
    [
        ("own", "two", ["own"]),
        ("shared", "two", ["shared"]),
        ("own", "shared", ["own", "shared"]),
        ("odd", "two", ["odd", "two"]),  # an engine refuses it
        ("two", "odd", ["odd", "two"]),
        ("phi-2", "own", ["own", "phi-2"]),
    ],
)
def test_who_leaves_the_windows_open_takes_those_that_are_there(
    first: str, second: str, loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, seen = Named(), []
    terms.take(host.supervisor.pool, replace(host.supervisor.pool.policy, keep_alive=600.0))
    monkeypatch.setattr(
        host.supervisor.pool, "_observe", lambda event, **fields: seen.append((event, fields))
    )
    host.ask(first)
    assert host.ask(second) == loaded
    told = [fields for event, fields in seen if event == "loaded_twice"]
    assert told == ([] if len(loaded) == 1 else [{"model": second, "beside": first}])


def test_another_name_finds_it_again_after_it_was_idle() -> None:
    host = Named()
    host.ask("phi-2")
    assert host.ask("phi-2:q4_k_m") == ["phi-2"]
    assert host.supervisor.pool.canonical("phi-2:q4_k_m") == "phi-2"


def test_it_is_unloaded_under_either_name() -> None:
    host = Named()
    host.ask("phi-2")
    host.supervisor.unload(b"c", wire.Unload(99, "phi-2:q4_k_m"))
    host.machine.run(host.machine.now + 10.0)
    assert host.supervisor.statuses() == []


@pytest.mark.parametrize("asked", ["phi-2", "/link.gguf", ""])
@pytest.mark.parametrize("counted", ["phi-2", "phi-2:q4_k_m"])
def test_what_counts_its_tokens_goes_with_it_under_every_name(asked: str, counted: str) -> None:
    host = Named()
    for name in (counted, "other"):
        host.supervisor.start(Job(work=CountTokens(0, [Message("user", "hi")]), model=name), Heard())
    if asked:
        host.chat(asked)
    assert len(host.supervisor.statuses()) == (3 if asked else 2)
    host.supervisor.unload(b"c", wire.Unload(99, "/link.gguf"))
    host.machine.run(host.machine.now + 10.0)
    assert [status.model for status in host.supervisor.statuses()] == ["other (vocabulary)"]


def test_it_is_pinned_when_one_of_its_names_is() -> None:
    host = Named()
    host.ask("phi-2", "/link.gguf")
    assert host.supervisor.statuses()[0].pinned


def test_a_known_model_is_the_same_by_path_by_variant_and_by_alias(tmp_path: Path) -> None:
    settings = Settings(
        model_cache_dir=str(tmp_path / "models"), models={"mine": ModelSettings(model="smollm2")}
    )
    starter = tmp_path / "models" / "smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    starter.parent.mkdir(parents=True)
    with starter.open("wb") as file:
        file.write(b"GGUF\x03\0\0\0")
        file.truncate(98_362_432)
    link = tmp_path / "link.gguf"
    link.symlink_to(starter)
    same = [load_of(name, settings) for name in ("smollm2", "smollm2:q4_1", "mine", str(starter), str(link))]
    assert all(one.is_like(same[0]) for one in same)
    assert not load_of("smollm2?context=512", settings).is_like(same[0])


def stamped(monkeypatch: pytest.MonkeyPatch, stamp: str) -> None:
    """The file under both names is, from now on, this very one."""
    for name in ("phi-2", "phi-2:q4_k_m"):
        monkeypatch.setitem(KNOWN, name, replace(KNOWN[name], stamp=stamp))


@pytest.mark.parametrize("name", ["phi-2", "phi-2:q4_k_m"])
def test_a_replaced_file_is_loaded_anew(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Named()
    stamped(monkeypatch, "first")
    host.ask("phi-2", "phi-2")
    assert len(host.launched) == 1
    stamped(monkeypatch, "second")
    assert host.ask(name, name) == ["phi-2"]
    assert len(host.launched) == 2


def test_a_model_that_is_to_be_loaded_otherwise_by_now_is_loaded_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = Named()
    host.ask("phi-2", "other")
    monkeypatch.setitem(KNOWN, "phi-2", replace(KNOWN["phi-2"], load=replace(KNOWN["phi-2"].load, threads=3)))
    assert host.ask("phi-2", "phi-2", "other") == ["other", "phi-2"]
    assert len(host.launched) == 3


def test_how_long_it_stays_is_taken_without_a_load(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Named()
    host.ask("phi-2", "other")
    monkeypatch.setitem(KNOWN, "phi-2", replace(KNOWN["phi-2"], keep_alive=900.0))
    terms.take(host.supervisor.pool, replace(host.supervisor.pool.policy, keep_alive=600.0))
    host.ask("phi-2")
    kept = {status.model: status.keep_alive for status in host.supervisor.statuses()}
    assert (kept, len(host.launched)) == ({"phi-2": 900.0, "other": 600.0}, 2)


def test_what_runs_on_the_old_file_is_answered_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Named()
    stamped(monkeypatch, "first")
    host.chat("phi-2")
    while not host.supervisor.pool.find("phi-2").busy:  # type: ignore[union-attr]
        host.machine.run(host.machine.now + 0.1)
    stamped(monkeypatch, "second")
    assert host.ask("phi-2") == ["phi-2"]
    assert (len(host.ends), len(host.launched)) == (2, 2)
