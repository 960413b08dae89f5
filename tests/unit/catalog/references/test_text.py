"""Model references: names, aliases, paths and options."""

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ai_pal import catalog
from ai_pal.catalog import absolute, keep_alive, resolve, split, with_adapters
from ai_pal.catalog.references.refusals import of_reference
from ai_pal.config import ModelSettings, Settings
from ai_pal.config.clouds import provider_names
from ai_pal.config.elsewhere import elsewhere
from ai_pal.config.tables import LocalSettings, ProviderSettings
from ai_pal.errors import AiPalError, Code, Failure
from tests import tiny_gguf

GGUF = b"GGUF\x03\0\0\0"


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    path = tmp_path / "mine.gguf"
    path.write_bytes(GGUF)
    return path


def refusal(ref: str, settings: Settings) -> AiPalError:
    with pytest.raises(AiPalError) as caught:
        resolve(ref, settings)
    return caught.value


def test_a_name_with_options_is_resolved_with_types() -> None:
    spec = resolve("echo?load_seconds=1.5&slots=4&load_hang=true&load_fail=no+way", Settings())
    assert (spec.engine, spec.path, spec.slots) == ("echo", "", 4)
    assert spec.options == {"load_seconds": 1.5, "slots": 4, "load_hang": True, "load_fail": "no way"}


def test_the_order_of_options_makes_no_other_model() -> None:
    assert resolve("echo?b=1&a=true", Settings()).model == resolve("echo?a=true&b=1", Settings()).model


def test_other_options_make_another_model() -> None:
    assert resolve("echo?id=1", Settings()).model != resolve("echo?id=2", Settings()).model


def test_an_empty_reference_means_the_default_model() -> None:
    assert resolve("", Settings(model="echo?id=7")).model == "echo?id=7"


def test_a_path_is_resolved(gguf: Path) -> None:
    spec = resolve(str(gguf), Settings())
    assert (spec.engine, spec.path, spec.model) == ("llamacpp", str(gguf), str(gguf))


def test_an_alias_is_resolved_under_its_name(gguf: Path) -> None:
    spec = resolve("mine", Settings(models={"mine": ModelSettings(path=str(gguf))}))
    assert (spec.model, spec.path) == ("mine", str(gguf))


def test_options_beat_the_models_settings_which_beat_the_general_ones(gguf: Path) -> None:
    mine = ModelSettings(path=str(gguf), threads=2, context=2)
    settings = Settings(threads=1, context=1, slots=1, models={"mine": mine})
    spec = resolve("mine?context=3", settings)
    assert (spec.threads, spec.context, spec.slots) == (2, 3, 1)


def test_the_cache_of_fewer_bits_is_llamacpps_and_refused_by_name_elsewhere(gguf: Path) -> None:
    mine = ModelSettings(path=str(gguf), kv_cache="q8_0")
    settings = Settings(kv_cache="q4_0", models={"mine": mine, "echo": ModelSettings(kv_cache="q8_0")})
    assert resolve(str(gguf), Settings()).kv_cache == "f16"
    assert resolve(str(gguf), settings).kv_cache == "q4_0"
    assert resolve("mine", settings).kv_cache == "q8_0"
    assert resolve("mine?kv_cache=f16", settings).kv_cache == "f16"
    assert resolve("echo", Settings(kv_cache="q4_0")).kv_cache is None
    for ref, said, words in (
        ("mine?kv_cache=q9", settings, "kv_cache=q9"),
        ("mine?kv_cache=4", settings, "kv_cache=4"),
        ("echo?kv_cache=f16", Settings(), "is for llama.cpp"),
        ("echo", settings, "is for llama.cpp"),
    ):
        error = refusal(ref, said)
        assert error.code == (Code.BAD_REQUEST if "?" in ref else Code.CONFIG_INVALID)
        assert words in error.failure.message


def test_keep_alive_is_the_models_or_the_general_one() -> None:
    settings = Settings(keep_alive=5, models={"echo": ModelSettings(keep_alive=-1)})
    assert keep_alive("echo?id=1", settings) == -1
    assert keep_alive("", settings) == 5


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("context=99999999999", "at most 1000000000 can be asked for; left out, it is chosen"),
        ("context=4k", "write context=4096, or leave it out"),
        ("threads=-1", "write threads=4, or leave it out"),
    ],
)
def test_a_number_that_cannot_be_gets_a_hint_that_works(option: str, hint: str) -> None:
    assert refusal(f"echo?{option}", Settings()).failure.hint == hint


def test_an_unknown_name_brings_the_nearest_ones() -> None:
    error = refusal("smolm", Settings())
    assert error.code == Code.MODEL_NOT_FOUND
    assert error.failure.hint in ("did you mean smolvlm or smollm2?", "did you mean smollm2 or smolvlm?")


def test_settings_for_an_unknown_name_do_not_make_it_a_model() -> None:
    assert refusal("ghost", Settings(models={"ghost": ModelSettings(slots=1)})).code == Code.MODEL_NOT_FOUND


def test_a_known_model_that_is_not_here_names_the_command(tmp_path: Path) -> None:
    error = refusal("smollm2", Settings(model_cache_dir=str(tmp_path)))
    assert error.code == Code.MODEL_NOT_HERE
    assert error.failure.hint == "run: ai-pal pull smollm2"


def test_a_known_model_of_the_wrong_size_is_refused(tmp_path: Path) -> None:
    settings = Settings(model_cache_dir=str(tmp_path))
    artifact = catalog.CATALOG["smollm2"].artifact
    assert artifact is not None
    path = catalog.artifact_path(artifact, settings)
    path.parent.mkdir()
    path.write_bytes(GGUF)
    error = refusal("smollm2", settings)
    assert error.code == Code.MODEL_INVALID
    assert "8 bytes instead of 98,362,432" in error.failure.message


@pytest.mark.parametrize("content", [b"", b"GG", b"junk" * 10])
def test_a_file_that_is_no_gguf_is_refused(gguf: Path, content: bytes) -> None:
    gguf.write_bytes(content)
    assert refusal(str(gguf), Settings()).code == Code.MODEL_INVALID


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    error = refusal(str(tmp_path / "no.gguf"), Settings())
    assert error.code == Code.MODEL_NOT_FOUND
    assert "no.gguf" in error.failure.message


def test_a_folder_and_a_pipe_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    for path in (tmp_path, tmp_path / "pipe.gguf"):
        assert refusal(f"{path}", Settings()).code == Code.MODEL_INVALID


@pytest.mark.parametrize(
    ("ref", "settings", "setting"),
    [
        ("", Settings(model="nosuch"), "model"),
        ("nosuch?slots=2", Settings(local=LocalSettings(model="nosuch")), "local.model"),
        ("mine", Settings(models={"mine": ModelSettings(model="nosuch?slots=2")}), "models.mine.model"),
    ],
)
def test_a_setting_that_names_no_model_is_named(ref: str, settings: Settings, setting: str) -> None:
    failure = refusal(ref, settings).failure
    assert failure.message == "model 'nosuch' not found"
    assert failure.hint.endswith(f"(it stands in the setting {setting}: ai-pal config show)")


@pytest.mark.parametrize("name", ["openai", "ollama", "gateway"])
def test_a_provider_is_no_model(name: str) -> None:
    settings = Settings(providers={"gateway": ProviderSettings(api="openai")})
    failure = refusal(name, settings).failure
    assert failure.code == Code.MODEL_NOT_FOUND
    assert failure.hint == f"{name} is a provider: name one of its models, as in {name}:MODEL"


def test_a_relative_path_is_refused() -> None:
    assert refusal("x.gguf", Settings()).code == Code.MODEL_INVALID


@pytest.mark.parametrize("value", ["many", "-1", "1.5", "true"])
def test_a_junk_number_is_refused(value: str) -> None:
    assert refusal(f"echo?slots={value}", Settings()).code == Code.MODEL_INVALID


@pytest.mark.parametrize("option", ["threads=513", "slots=257", "context=9999999999"])
def test_more_than_the_engine_can_is_refused(option: str) -> None:
    assert "more than" in refusal(f"echo?{option}", Settings()).failure.message


def test_files_that_options_name_are_made_absolute_too() -> None:
    found = absolute("m.gguf?mmproj=eyes/mm.gguf&chat_template=../t.jinja&slots=2", Path("/here"), Settings())
    options = {"mmproj": "/here/eyes/mm.gguf", "chat_template": "/t.jinja", "slots": 2}
    assert tuple(split(found)) == ("/here/m.gguf", options)
    assert split(absolute("phi-2?mmproj=off", Path("/here"), Settings())).options == {"mmproj": "off"}
    assert absolute("m?speculate=d.gguf", Path("/here"), Settings()) == "m?speculate=/here/d.gguf"
    assert absolute("m?speculate=ngram", Path("/here"), Settings()) == "m?speculate=ngram"


def test_a_draft_may_be_named_as_any_model_is(tmp_path: Path) -> None:
    model = tiny_gguf.save(tmp_path / "m.gguf", "sentencepiece")
    settings = Settings(models={"little": ModelSettings(path=str(model))})
    load = resolve(f"{model}?speculate=little", settings)
    assert load.options == {"speculate": str(model)}
    assert load.model == f"{model}?speculate=little"
    assert "did you mean" in refusal(f"{model}?speculate=litle", settings).failure.hint
    assert refusal(f"{model}?speculate=qwen3:0.6b", settings).code == Code.MODEL_NOT_HERE
    assert "cannot guess" in refusal(f"{model}?speculate=echo", settings).failure.message


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("smollm2", "smollm2"),
        ("echo?slots=4", "echo?slots=4"),
        ("x.gguf", "/here/x.gguf"),
        ("../x.gguf?slots=2", "/x.gguf?slots=2"),
        ("/a/x.gguf", "/a/x.gguf"),
        ("", ""),
    ],
)
def test_paths_are_made_absolute_and_names_left_alone(ref: str, expected: str) -> None:
    assert absolute(ref, Path("/here"), Settings()) == expected


GATEWAY = Settings(providers={"gw": ProviderSettings(api="openai", base_url="http://box:1/v1")})
THEIRS = ("meta-llama/x:free", "models/gemini", "/my/llms/Qwen3", "~x/y.gguf", "./a", "hf.co/a/b:Q4", "a?b=c")


@pytest.mark.parametrize("model", THEIRS)
@pytest.mark.parametrize("provider", ["gw", "ollama", "openai"])
def test_what_follows_a_providers_name_is_its_model(provider: str, model: str) -> None:
    assert absolute(f"{provider}:{model}", Path("/here"), GATEWAY) == f"{provider}:{model}"


@given(st.text(min_size=1).map(str.strip).filter(bool))
def test_it_is_that_whatever_it_is_called(model: str) -> None:
    assert absolute(f"gw:{model}", Path("/here"), GATEWAY) == f"gw:{model}"
    assert elsewhere(f"gw:{model}", provider_names(GATEWAY)) == ("gw", model)


def test_a_path_with_a_colon_is_a_path() -> None:
    assert absolute("./gw:x.gguf", Path("/here"), GATEWAY) == "/here/gw:x.gguf"
    assert absolute("other:a/x", Path("/here"), GATEWAY) == "/here/other:a/x"


@pytest.mark.parametrize("model", ["openai:gpt-4.1", "gw:meta-llama/x:free", "ollama:hf.co/a/b:Q4"])
def test_a_providers_model_is_told_to_be_none_of_this_machine(model: str) -> None:
    error = refusal(model, GATEWAY)
    assert error.code == Code.MODEL_NOT_FOUND
    assert error.failure.message.startswith(f"{model} is a model of {model.partition(':')[0]}")
    assert error.failure.hint == f"ask it: ai-pal chat --model {model}"


def test_a_providers_model_in_the_setting_is_no_default_of_this_machine() -> None:
    settings = Settings(model="openai:gpt-4.1", local=LocalSettings(model="echo"))
    assert catalog.default_model(settings) == "echo"


def test_home_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert absolute("~/x.gguf", Path("/here"), Settings()) == "/home/me/x.gguf"


def test_a_question_mark_in_a_file_name_is_no_option() -> None:
    assert split("/a/what?.gguf") == ("/a/what?.gguf", {})


@given(st.text(max_size=60))
@example("/a\0b.gguf")
@example("~nobody-of-that-name/x.gguf")
def test_any_reference_ends_in_a_spec_or_an_error_of_ours(ref: str) -> None:
    with contextlib.suppress(AiPalError):
        resolve(ref, Settings(model="echo"))


@pytest.mark.parametrize("name", ["what?x=1.gguf", "tail.gguf ", "a?b=c?d=e.gguf"])
def test_a_path_that_exists_is_that_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(GGUF)
    asked = absolute(name, tmp_path, Settings())
    assert asked == str(file)
    assert split(asked) == (str(file), {})
    assert split(f"{file}?slots=4") == (str(file), {"slots": 4})
    assert resolve(str(file), Settings()).path == str(file)


def test_several_adapters_are_one_option() -> None:
    ref = with_adapters("m?slots=2&lora=/a&lora=/b=0.5", ["/c d"])
    assert ref == "m?lora=/a&lora=/b=0.5&lora=/c+d&slots=2"
    assert split(ref).options == {"slots": 2, "lora": ["/a", "/b=0.5", "/c d"]}
    assert split("m?lora=1").options == {"lora": ["1"]}
    assert with_adapters("m?slots=2", []) == "m?slots=2"
    assert absolute("m?lora=a.gguf=0.5", Path("/here"), Settings()) == "m?lora=/here/a.gguf=0.5"


@pytest.mark.parametrize("option", ["kv_cache=q9", "device=tpu", "gpu_layers=many"])
def test_what_a_reference_says_wrongly_who_asked_has_said(option: str, gguf: Path) -> None:
    name, _, value = option.partition("=")
    own = {"mine": ModelSettings(path=f"{gguf}?{option}")}
    assert refusal(f"{gguf}?{option}", Settings()).code == Code.BAD_REQUEST
    assert refusal("mine", Settings(models=own)).code == Code.CONFIG_INVALID
    assert value in refusal(f"{gguf}?{name}={value}", Settings()).failure.message


def test_a_load_that_fails_for_its_options_is_no_fault_of_this_machine() -> None:
    failure = Failure(Code.CONFIG_INVALID, "a context of 9 tokens is larger than the model's own, 8")
    assert of_reference(failure, "small?context=9").code == Code.BAD_REQUEST
    assert of_reference(failure, "small") is failure
    assert of_reference(Failure(Code.WORKER_DIED, "x"), "small?context=9").code == Code.WORKER_DIED
