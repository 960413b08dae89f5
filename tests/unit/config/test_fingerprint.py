"""Which settings differ between two sides, by name and without a word of what they are."""

from pathlib import Path

import pytest

from ai_pal.config import load_settings
from ai_pal.config.fingerprint import differences, digest, fingerprint, in_words, own_fingerprint

HOME = {"HOME": "/home/me"}


def of(
    toml: str = "", *, file: Path | None = None, flags: dict[str, str] | None = None, **said: str
) -> dict[str, str]:
    environ = HOME | said
    if file is not None:
        file.write_text(toml)
        environ |= {"AI_PAL_CONFIG": str(file)}
    return fingerprint(load_settings(flags, environ), environ)


def test_what_is_as_by_default_is_not_told() -> None:
    assert of() == {}
    assert differences(of(), of()) == []


def test_a_changed_file_is_told_by_name(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    before = of('threads = 2\n[ollama]\nbase_url = "http://a"\n[models.x]\nmodel = "org/x"', file=file)
    after = of('threads = 2\n[ollama]\nbase_url = "http://b"\n[models.x]\nmodel = "org/y"', file=file)
    assert differences(before, after) == ["models.x.model", "ollama.base_url"]
    assert differences(before, of("", file=file)) == ["models.x.model", "ollama.base_url", "threads"]
    assert differences(of("", file=file), before) == ["models.x.model", "ollama.base_url", "threads"]


def test_what_a_client_keeps_to_itself_is_no_difference(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    assert of("history = false\nauto_pull = true", file=file) == {}


def test_an_environment_that_is_silent_changes_nothing_and_another_value_does() -> None:
    shell, cron = of(AI_PAL_THREADS="1", HTTPS_PROXY="http://p", HF_TOKEN="t"), of()
    assert differences(shell, cron) == []
    assert differences(cron, shell) == sorted(["threads", "HTTPS_PROXY", "HF_TOKEN"])
    assert differences(shell, of(AI_PAL_THREADS="2", HTTPS_PROXY="http://q")) == ["HTTPS_PROXY", "threads"]


def test_what_a_service_was_given_goes_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    service = of("threads = 2", file=file, AI_PAL_THREADS="8")
    assert differences(service, of("threads = 4", file=file)) == []
    assert differences(of("threads = 2", file=file), of("threads = 4", file=file)) == ["threads"]
    assert differences(of(flags={"log_level": "debug"}), of()) == []


def test_one_value_said_in_two_places_is_one(tmp_path: Path) -> None:
    assert differences(of("threads = 2", file=tmp_path / "c.toml"), of(AI_PAL_THREADS="2")) == []


@pytest.mark.parametrize("name", ["AI_PAL_MINE", "AI_PAL_LOCAL_ONLY", "AI_PAL_OTHER_STORES"])
def test_a_default_that_is_said_is_no_difference_and_another_value_is(name: str, tmp_path: Path) -> None:
    setting, usual = name.removeprefix("AI_PAL_").lower(), "1" if name == "AI_PAL_OTHER_STORES" else "0"
    said = own_fingerprint(HOME | {name: usual})
    assert differences(of(), said) == []
    other = of(f"{setting} = {'false' if usual == '1' else 'true'}", file=tmp_path / "c.toml")
    assert differences(other, said) == [setting]
    assert differences(other, of()) == differences(of(), other) == [setting]


def test_another_ollama_server_is_another_setting() -> None:
    assert differences(of(OLLAMA_HOST="127.0.0.1"), of(OLLAMA_HOST="10.0.0.7")) == ["OLLAMA_HOST"]
    assert differences(of(OLLAMA_HOST="127.0.0.1"), of(OLLAMA_HOST="http://127.0.0.1:11434")) == []
    said = of(AI_PAL_OLLAMA_BASE_URL="http://box:11434")
    assert differences(said, of(AI_PAL_OLLAMA_BASE_URL="http://box:11434", OLLAMA_HOST="10.0.0.7")) == []


def test_what_pip_is_told_is_no_difference() -> None:
    assert differences(of(PIP_INDEX_URL="http://a"), of(PIP_INDEX_URL="http://b")) == []


OWN = {
    "AI_PAL_KEEP_ALIVE": "1h",
    "AI_PAL_MODEL": "echo",
    "AI_PAL_HISTORY": "no",
    "AI_PAL_LOCAL_ONLY": "1",
    "AI_PAL_OPTIMIZATION_GOAL": "cost",
    "AI_PAL_DEADLINE": "20s",
    "AI_PAL_AUTO_PULL": "1",
}


@pytest.mark.parametrize("name", OWN)
def test_a_clients_own_environment_starts_no_other_supervisor(name: str) -> None:
    assert own_fingerprint(HOME | {name: OWN[name]}) == own_fingerprint(HOME)


def test_no_secret_is_in_it() -> None:
    key = "sk-" + "a" * 40
    shown = repr(
        of(OPENAI_API_KEY=key, HTTPS_PROXY=f"http://me:{key}@p", AI_PAL_OLLAMA_BASE_URL=f"http://me:{key}@o")
    )
    assert key[:8] not in shown


def test_names_are_few_in_words() -> None:
    names = ["providers.a.api", "providers.a.base_url", "ollama.model", "threads", "HF_TOKEN"]
    assert in_words(names) == "providers.a, ollama.model, threads and 1 more"
    assert in_words(["threads"]) == "threads"
    assert in_words(['models."llama3.2".context', 'models."llama3.2".slots']) == 'models."llama3.2"'


def test_equal_fingerprints_have_equal_digests() -> None:
    assert digest({"a": "1", "b": "2"}) == digest({"b": "2", "a": "1"}) != digest({})
