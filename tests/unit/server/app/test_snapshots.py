"""How the router sees this machine: Ollama's place, its names for models, keys and consent."""

import os
from pathlib import Path

import pytest

from ai_pal import catalog
from ai_pal.catalog.known.twins import twin
from ai_pal.catalog.weights.abilities import EMBEDS
from ai_pal.config import ModelSettings, Settings, load_settings
from ai_pal.config.clouds import ollama_url
from ai_pal.config.cluster_settings import ClusterSettings
from ai_pal.config.machine_settings import MachineSettings
from ai_pal.config.provider_access import key_hint, remember
from ai_pal.config.tables import LocalSettings, OllamaSettings, ProviderSettings
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol.worker import LoadModel
from ai_pal.providers.server import Server
from ai_pal.server.app.recent import FRESH
from ai_pal.server.app.snapshots import MachineSnapshots
from tests import lora
from tests.gguf_files import gguf
from tests.local_router import OnlyHere
from tests.simulation.clock import VirtualClock, VirtualTime


class NoWorkers:
    def serving(self, model: str) -> None:
        return None


def snapshots(home: Path, settings: Settings, **environ: str) -> MachineSnapshots:
    given = {"HOME": str(home), "AI_PAL_HOME": str(home)} | environ
    pool = NoWorkers()
    return MachineSnapshots(settings, VirtualClock(), OnlyHere(), pool, given)  # type: ignore[arg-type]


def openai(made: MachineSnapshots) -> Server:
    return next(server for server in made.snapshot("").clouds if server.name == "openai")


def test_the_settings_place_of_ollama_wins() -> None:
    settings = Settings(ollama=OllamaSettings(base_url="http://box:11434/"))
    assert ollama_url(settings, {"OLLAMA_HOST": "10.0.0.7"}) == "http://box:11434"


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("phi-2", "phi"),
        ("phi-2:4bit", "phi"),
        ("smollm2?slots=2", "smollm2:135m"),
        ("qwen3.5:4b?slots=2", "qwen3.5:4b"),
        ("qwen3.5:4b:q8_0", "qwen3.5:4b"),
        ("llama3.2:3b", "llama3.2"),
        ("echo", ""),
        ("/m.gguf", ""),
    ],
)
def test_models_have_their_names_at_ollama(model: str, name: str) -> None:
    assert twin(model, Settings()) == name


def test_settings_add_names() -> None:
    assert twin("mine", Settings(ollama=OllamaSettings(models={"mine": "llama3:8b"}))) == "llama3:8b"


def test_a_key_of_the_environment_needs_consent(ai_pal_home: Path) -> None:
    made = snapshots(ai_pal_home, Settings(local=LocalSettings(model="echo")), OPENAI_API_KEY="sk-x")
    assert (openai(made).key, openai(made).consent) == (True, False)
    remember("openai", {"AI_PAL_HOME": str(ai_pal_home)}, consent=True)
    assert openai(made).consent
    remember("openai", {"AI_PAL_HOME": str(ai_pal_home)}, consent=False)
    assert not openai(made).consent


def test_a_damaged_memory_of_decisions_is_a_no(ai_pal_home: Path) -> None:
    (ai_pal_home / "providers.json").write_text("{")
    settings = Settings(providers={"openai": ProviderSettings(api_key=True)})
    assert not openai(snapshots(ai_pal_home, settings)).consent


def test_who_has_no_key_hears_how_to_give_one(ai_pal_home: Path) -> None:
    obstacle = openai(snapshots(ai_pal_home, Settings())).obstacle
    assert obstacle == Failure(Code.NO_KEY, "there is no key for openai", key_hint("openai"))


def test_a_server_of_ones_own_needs_no_key(ai_pal_home: Path) -> None:
    own = ProviderSettings(api="openai", base_url="http://gateway/v1", mid="llama-70b")
    snapshot = snapshots(ai_pal_home, Settings(providers={"gateway": own})).snapshot("gateway:llama-70b")
    assert [(cloud.name, cloud.obstacle) for cloud in snapshot.clouds] == [("gateway", None)]


def test_what_a_name_means_is_looked_for_once_in_a_look(
    ai_pal_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = "ai_pal.catalog.references.resolve.find"
    monkeypatch.setattr(again, lambda *_: pytest.fail("it was looked for again"))
    here = snapshots(ai_pal_home, Settings()).snapshot("echo").here
    assert here is not None
    assert here.resolved is not None


def test_for_an_ollama_of_this_machine_no_decision_is_looked_for(
    ai_pal_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request of a model that Ollama may have, too, comes by here."""
    monkeypatch.setattr("ai_pal.server.app.snapshots.access_in", lambda file: pytest.fail("it was"))
    ollama = snapshots(ai_pal_home, Settings()).snapshot("smollm2").ollama
    assert ollama is not None
    assert ollama.consent


def test_a_remote_ollama_of_the_environment_needs_consent(ai_pal_home: Path) -> None:
    made = snapshots(ai_pal_home, Settings(), OLLAMA_HOST="10.0.0.7")
    ollama = made.snapshot("ollama:phi").ollama
    assert ollama is not None
    assert not ollama.consent


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9", "http://192.0.2.2:11434"])
def test_a_model_of_ollamas_cloud_needs_consent_wherever_ollama_is(ai_pal_home: Path, url: str) -> None:
    made = snapshots(ai_pal_home, Settings(ollama=OllamaSettings(base_url=url)))
    before = made.snapshot("ollama:gpt-oss:120b-cloud").ollama
    remember("ollama", {"HOME": str(ai_pal_home), "AI_PAL_HOME": str(ai_pal_home)}, consent=True)
    after = made.snapshot("ollama:gpt-oss:120b-cloud").ollama
    assert before is not None
    assert after is not None
    assert (before.consent, after.consent) == (False, True)


def test_an_alias_may_stand_for_a_providers_model(ai_pal_home: Path) -> None:
    models = {"gpt": ModelSettings(model="openai:gpt-4"), "mine": ModelSettings(model="ollama:phi")}
    made = snapshots(ai_pal_home, Settings(models=models))
    assert [(cloud.name, cloud.mid) for cloud in made.snapshot("gpt").clouds] == [("openai", "gpt-4")]
    assert made.snapshot("gpt").here is None
    ollama = made.snapshot("mine").ollama
    assert ollama is not None
    assert ollama.mid == "phi"


def test_a_circle_of_aliases_is_told(ai_pal_home: Path) -> None:
    models = {"a": ModelSettings(model="b"), "b": ModelSettings(model="a")}
    here = snapshots(ai_pal_home, Settings(models=models)).snapshot("a").here
    assert here is not None
    assert here.failure is not None
    assert "in a circle" in here.failure.message


def test_a_model_of_ones_own_answers_here_with_its_window(ai_pal_home: Path, tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    llama: dict[str, object] = {"general.architecture": "llama", "llama.context_length": 512}
    file.write_bytes(gguf(llama, [("a.weight", 0, 0)]))
    cache = str(tmp_path / "models")
    own = {"mine": ModelSettings(path=str(file))}
    here = snapshots(ai_pal_home, Settings(models=own, model_cache_dir=cache)).snapshot("").here
    assert here is not None
    assert (here.model, here.state, here.window) == ("mine", "here", 512)
    narrow = (
        snapshots(ai_pal_home, Settings(models=own, model_cache_dir=cache)).snapshot("mine?context=64").here
    )
    assert narrow is not None
    assert narrow.window == 64


def test_ollama_can_be_switched_off(ai_pal_home: Path) -> None:
    made = snapshots(ai_pal_home, Settings(ollama=OllamaSettings(enabled=False)))
    assert made.snapshot("").ollama is None


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("no-such-model", Code.MODEL_NOT_FOUND),
        ("openai", Code.MODEL_NOT_FOUND),
        ("/etc/passwd", Code.MODEL_INVALID),
    ],
)
def test_what_is_no_model_says_why(ai_pal_home: Path, name: str, code: Code) -> None:
    here = snapshots(ai_pal_home, Settings()).snapshot(name).here
    assert here is not None
    assert here.failure is not None
    assert (here.model, here.failure.code) == (name, code)


def test_a_model_that_is_merely_not_here_has_no_failure(ai_pal_home: Path) -> None:
    settings = Settings(model_cache_dir=str(ai_pal_home / "models"))
    here = snapshots(ai_pal_home, settings).snapshot("smollm2").here
    assert here is not None
    assert (here.state, here.absent, here.failure) == ("not_here", True, None)


def test_what_was_no_model_a_moment_ago_is_looked_at_again(ai_pal_home: Path) -> None:
    made, file = snapshots(ai_pal_home, Settings()), ai_pal_home / "mine.gguf"
    before = made.snapshot(str(file)).here
    file.write_bytes(b"GGUF")
    after = made.snapshot(str(file)).here
    assert before is not None
    assert after is not None
    assert (before.state, before.failure is None, after.state, after.failure) == (
        "unusable",
        False,
        "here",
        None,
    )


def test_a_name_that_means_nothing_here_is_not_asked_for_elsewhere(ai_pal_home: Path) -> None:
    made = snapshots(ai_pal_home, Settings(ollama=OllamaSettings(models={"nosuch": "llama3"})))
    assert made.snapshot("nosuch").ollama is None


def test_a_remote_ollama_that_was_refused_is_not_asked_whatever_the_settings_say(tmp_path: Path) -> None:
    settings = Settings(ollama=OllamaSettings(base_url="http://192.0.2.2:11434"))
    made = snapshots(tmp_path, settings)
    before = made.snapshot("ollama:phi").ollama
    remember("ollama", {"HOME": str(tmp_path), "AI_PAL_HOME": str(tmp_path)}, consent=False)
    after = made.snapshot("ollama:phi").ollama
    assert before is not None
    assert after is not None
    assert (before.consent, after.consent) == (True, False)


def test_a_key_that_lies_around_is_not_used_for_a_server_of_ones_own_either(tmp_path: Path) -> None:
    own = {"openai": ProviderSettings(base_url="http://gateway.example.com/v1")}
    without = openai(snapshots(tmp_path, Settings(providers=own)))
    around = openai(snapshots(tmp_path, Settings(providers=own), OPENAI_API_KEY="sk-around"))
    assert (without.consent, around.consent) == (True, False)


def test_the_window_of_a_model_at_ollama_is_its_own(ai_pal_home: Path) -> None:
    made = snapshots(ai_pal_home, Settings(context=512, ollama=OllamaSettings(models={"phi-2": "phi"})))

    def window(reference: str) -> int:
        found = made.snapshot(reference).ollama
        assert found is not None
        return found.window

    assert (window("phi-2"), window("llama3.2")) == (2048, 131_072)
    assert window("ollama:phi") == 0, "whom the user names is asked whatever its length"
    other = snapshots(ai_pal_home, Settings(ollama=OllamaSettings(model="qwen3"))).snapshot("").ollama
    assert other is not None
    assert (other.mid, other.window) == ("qwen3", 0)


def test_a_model_is_resolved_once_and_what_it_means_travels_along(ai_pal_home: Path, tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(gguf({"general.architecture": "llama"}, []))
    made = snapshots(ai_pal_home, Settings())
    here = made.snapshot(str(file)).here
    assert here is not None
    assert here.resolved is not None
    assert here.resolved.load.path == str(file)
    again = made.snapshot(str(file)).here
    assert again is not None
    assert again.resolved is here.resolved
    file.unlink()
    gone = made.snapshot(str(file)).here
    assert gone is not None
    assert gone.resolved is None, "it is looked at anew when its file has gone"


def test_a_file_that_embeds_is_known_before_it_is_loaded(ai_pal_home: Path, tmp_path: Path) -> None:
    (tmp_path / "e.gguf").write_bytes(gguf({"general.architecture": "bert"}, []))
    here = snapshots(ai_pal_home, Settings()).snapshot(str(tmp_path / "e.gguf")).here
    assert here is not None
    assert here.abilities == EMBEDS


@pytest.mark.parametrize(("model", "failed"), [("echo", False), ("nonsuch", True)])
def test_with_a_cluster_a_model_is_known_on_this_machine_too(
    ai_pal_home: Path, model: str, failed: bool
) -> None:
    made = snapshots(ai_pal_home, Settings(cluster=ClusterSettings(engine="command")))
    here = made.snapshot(model).here
    assert here is not None
    assert here.kept is not None
    assert [here.on_nodes, here.kept.on_nodes] == [True, False]
    for one in (here, here.kept):
        assert (one.failure is not None) is failed, "what is wrong with its name is told of both"


def test_a_look_holds_for_a_while_also_when_it_is_not_the_first(ai_pal_home: Path) -> None:
    file, time = ai_pal_home / "mine.gguf", VirtualTime()
    file.write_bytes(b"GGUF")
    given = {"HOME": str(ai_pal_home), "AI_PAL_HOME": str(ai_pal_home)}
    made = MachineSnapshots(Settings(), VirtualClock(time), OnlyHere(), NoWorkers(), given)  # type: ignore[arg-type]

    def looked() -> object:
        here = made.snapshot(str(file)).here
        assert here is not None
        assert here.resolved is not None
        return here.resolved

    first = looked()
    time.run(FRESH + 0.1)
    second = looked()
    time.run(FRESH * 1.5)
    assert second is not first
    assert looked() is second


def test_which_model_none_means_is_looked_for_once_in_a_while(
    ai_pal_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time, looks = VirtualTime(), list[str]()
    found = catalog.meant

    def meant(reference: str, settings: Settings) -> str:
        looks.append(reference)
        return found(reference, settings)

    monkeypatch.setattr(catalog, "meant", meant)
    settings = Settings(local=LocalSettings(model="echo"))
    made = MachineSnapshots(settings, VirtualClock(time), OnlyHere(), NoWorkers(), {"HOME": str(ai_pal_home)})  # type: ignore[arg-type]
    for _ in range(3):
        made.snapshot("")
    assert looks == [""]
    made.look_anew()
    made.snapshot("")
    time.run(FRESH)
    made.snapshot("")
    assert looks == ["", "", ""]


def test_adapters_are_part_of_what_is_loaded(ai_pal_home: Path, tmp_path: Path) -> None:
    model, adapter = tmp_path / "m.gguf", lora.save_gguf(tmp_path / "a.gguf")
    model.write_bytes(gguf({"general.architecture": "llama"}, [("a", 0, 0)]))
    made = snapshots(ai_pal_home, Settings(models={"mine": ModelSettings(path=str(model))}, model="mine"))
    here = made.snapshot("mine?slots=2", [f"{adapter}=0.5"]).here
    assert here is not None
    assert here.resolved is not None
    assert here.model == f"mine?lora={adapter}=0.5&slots=2"
    assert here.resolved.load.options == {"slots": 2, "lora": [f"{adapter}=0.5"]}
    assert here.resolved.load.sampling.lora == []
    assert "lora" not in here.resolved.vocabulary.load.options
    os.utime(adapter, ns=(1, 1))
    after = made.snapshot("mine?slots=2", [f"{adapter}=0.5"]).here
    assert after is not None
    assert after.resolved is not None
    assert here.resolved.is_replaced_by(after.resolved)
    missing = made.snapshot("mine", [f"{tmp_path}/nosuch"]).here
    assert missing is not None
    assert missing.failure is not None
    assert missing.failure.message == f"there is no adapter {tmp_path}/nosuch"


def test_machines_with_a_model_could_answer_and_any_is_asked_by_name(ai_pal_home: Path) -> None:
    box = MachineSettings(ssh="me@box", host_key="ssh-ed25519 AAAA", identity="0" * 32, model="qwen3")
    silent = MachineSettings(ssh="me@other", host_key="ssh-ed25519 AAAA", identity="1" * 32)
    made = snapshots(ai_pal_home, Settings(machines={"box": box, "other": silent}))
    assert [(one.server.name, one.model) for one in made.snapshot("").machines] == [("box", "qwen3")]
    named = made.snapshot("other:phi:latest")
    assert [(one.server.name, one.model) for one in named.machines] == [("other", "phi:latest")]
    assert (named.here, named.clouds) == (None, ())


def test_models_on_the_nodes_of_a_cluster_are_not_on_this_machine(ai_pal_home: Path) -> None:
    cluster = ClusterSettings(engine="command", nodes={"a": "ssh a python3"})
    for settings, on_nodes in ((Settings(), False), (Settings(cluster=cluster), True)):
        made = snapshots(ai_pal_home, settings)
        for name in ("echo", "echo", "./nothing.gguf"):  # looked at, known, and none at all
            here = made.snapshot(name).here
            assert here is not None
            assert here.on_nodes is on_nodes


def test_no_machine_comes_from_the_environment(ai_pal_home: Path) -> None:
    said = {"AI_PAL_MACHINES": "me@box", "AI_PAL_MACHINES_BOX_SSH": "me@box", "AI_PAL_BOX": "x"}
    assert snapshots(ai_pal_home, Settings(), **said).snapshot("").machines == ()
    with pytest.raises(AiPalError, match="AI_PAL_MACHINES_BOX_SSH") as caught:
        load_settings(environ={"AI_PAL_HOME": str(ai_pal_home), "AI_PAL_MACHINES_BOX_SSH": "me@box"})
    assert "[machines.NAME]" in caught.value.failure.hint


class Room:
    """A pool without workers, with room for models of so many bytes."""

    def __init__(self, room: int) -> None:
        self.room, self.admission = room, self

    def serving(self, model: str) -> None:
        return None

    def fits(self, load: LoadModel) -> bool:
        return Path(load.path).stat().st_size <= self.room


@pytest.mark.parametrize(("room", "found"), [(10_000_000, ["huge", "big"]), (60_000, ["big"]), (0, [])])
def test_larger_models_are_those_that_there_is_room_for(
    ai_pal_home: Path, room: int, found: list[str]
) -> None:
    header: dict[str, object] = {"general.architecture": "llama", "llama.embedding_length": 64}
    models = {}
    for name, more in (("own", 0), ("big", 50_000), ("huge", 900_000)):
        file = ai_pal_home / f"{name}.gguf"
        file.write_bytes(gguf(header, []) + bytes(more))
        models[name] = ModelSettings(path=str(file))
    settings = Settings(
        local=LocalSettings(model="own"), models=models, other_stores=False,
        model_cache_dir=str(ai_pal_home / "cache"),
    )  # fmt: skip
    given = {"HOME": str(ai_pal_home), "AI_PAL_HOME": str(ai_pal_home)}
    made = MachineSnapshots(settings, VirtualClock(), OnlyHere(), Room(room), given)  # type: ignore[arg-type]
    assert [one.model for one in made.larger()] == found
