"""Loading settings: the order of force, where values come from, and errors that name their place."""

from pathlib import Path
from typing import Any

import pytest

from ai_pal.config import LoadedSettings, load_settings
from ai_pal.config.load import unknown_variables
from ai_pal.errors import AiPalError, Code


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


MACHINE = f'ssh = "me@box"\nhost_key = "ssh-ed25519 AAAA"\nidentity = "{"0" * 32}"'


def load(
    config: Path, text: str = "", overrides: dict[str, Any] | None = None, **environ: str
) -> LoadedSettings:
    config.write_text(text)
    return load_settings(overrides, {"HOME": "/home/me", "AI_PAL_CONFIG": str(config), **environ})


def refusal(config: Path, text: str = "", overrides: dict[str, Any] | None = None, **environ: str) -> str:
    with pytest.raises(AiPalError) as caught:
        load(config, text, overrides, **environ)
    assert caught.value.code == Code.CONFIG_INVALID
    return f"{caught.value.failure.message} -- {caught.value.failure.hint}"


def test_without_file_and_variables_the_defaults_hold() -> None:
    settings, origins = load_settings(None, {"HOME": "/home/me"})
    assert settings.model == ""
    assert settings.keep_alive == 300
    assert settings.model_cache_dir == "/home/me/.ai-pal/models"
    assert set(origins.values()) == {"default"}


def test_flags_beat_the_environment_which_beats_the_file(config: Path) -> None:
    text = "threads = 1\ncontext = 1\nslots = 1\n"
    settings, origins = load(
        config, text, {"threads": 3, "slots": None}, AI_PAL_THREADS="2", AI_PAL_CONTEXT="2"
    )
    assert (settings.threads, settings.context, settings.slots) == (3, 2, 1)
    assert origins["threads"] == "--threads"
    assert origins["context"] == "AI_PAL_CONTEXT"
    assert origins["slots"] == "config.toml:3"
    assert origins["keep_alive"] == "default"


def test_durations_are_read_everywhere(config: Path) -> None:
    assert load(config, 'keep_alive = "10m"').settings.keep_alive == 600
    assert load(config, AI_PAL_KEEP_ALIVE="1h").settings.keep_alive == 3600
    assert load(config, overrides={"keep_alive": "-1"}).settings.keep_alive == -1


@pytest.mark.parametrize(("written", "seconds"), [("-1", -1), ("never", -1), ("1ms", 0.001)])
def test_a_deadline_is_a_time_or_none(config: Path, written: str, seconds: float) -> None:
    assert load(config, AI_PAL_DEADLINE=written).settings.deadline == seconds


def test_the_environment_has_typed_values(config: Path) -> None:
    settings, _ = load(config, AI_PAL_LOCAL_ONLY="true", AI_PAL_LOG_LEVEL="debug", AI_PAL_QUEUE_SIZE="7")
    assert (settings.local_only, settings.log_level, settings.queue_size) == (True, "debug", 7)


@pytest.mark.parametrize("text", ["true", "TRUE", "yes", "On", "1", " true "])
def test_a_variable_says_yes_in_many_ways(config: Path, text: str) -> None:
    settings, _ = load(config, "history = false", AI_PAL_LOCAL_ONLY=text, AI_PAL_HISTORY=text)
    assert (settings.local_only, settings.history) == (True, True)


@pytest.mark.parametrize("text", ["false", "False", "NO", "off", "0"])
def test_a_variable_says_no_in_many_ways(config: Path, text: str) -> None:
    settings, _ = load(config, "local_only = true", AI_PAL_LOCAL_ONLY=text, AI_PAL_OLLAMA_ENABLED=text)
    assert (settings.local_only, settings.ollama.enabled) == (False, False)


def test_an_empty_variable_counts_as_not_set(config: Path) -> None:
    settings, origins = load(config, AI_PAL_MODEL="")
    assert settings.model == ""
    assert origins["model"] == "default"


def test_the_model_cache_has_a_short_variable(config: Path) -> None:
    settings, origins = load(config, AI_PAL_MODEL_CACHE="/big/models")
    assert settings.model_cache_dir == "/big/models"
    assert origins["model_cache_dir"] == "AI_PAL_MODEL_CACHE"


def test_relative_paths_in_the_file_start_at_the_file(config: Path) -> None:
    settings, _ = load(config, 'model_cache_dir = "m"\n[models.mine]\npath = "../x.gguf"')
    assert settings.model_cache_dir == str(config.parent / "m")
    assert settings.models["mine"].path == str(config.parent.parent / "x.gguf")


def test_models_have_tables_of_their_own(config: Path) -> None:
    settings, origins = load(config, '[models.smollm2]\nslots = 2\nkeep_alive = "1m"\n')
    assert (settings.models["smollm2"].slots, settings.models["smollm2"].keep_alive) == (2, 60)
    assert settings.models["smollm2"].threads is None
    assert origins["models.smollm2.keep_alive"] == "config.toml:3"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("threads = 1\nkeep_alve = 5\n", 2, "did you mean keep_alive?"),
        ("# one\n\nthreads = 'two'\n", 3, "threads: a whole number is wanted, not a text"),
        ("threads = -1\n", 1, "threads: a whole number >= 0 is wanted"),
        ("\nkeep_alive = 'soon'\n", 2, "keep_alive: 'soon' is not a duration"),
        ("load_stall = 0\n", 1, "load_stall: a number > 0.0 is wanted"),
        ("deadline = 0\n", 1, "deadline: 0 leaves no time for anything: write a time such as '20s', or -1"),
        ("\ndeadline = '0s'\n", 2, "deadline: 0 leaves no time"),
        ("deadline = -5\n", 1, "deadline: -5 is not a duration"),
        ("beat_timeout = 0.5\n", 1, "beat_timeout: a number >= 2.0 is wanted"),
        ("context = 99999999999999999999\n", 1, "context: a whole number <= 1000000000 is wanted"),
        (
            "[models.mine]\ncontext = 9999999999\n",
            2,
            "models.mine.context: a whole number <= 1000000000 is wanted",
        ),
        ("[prices.'a:b']\ninput = inf\n", 2, "input: a number <= 100000.0 is wanted"),
        ("log_level = 'loud'\n", 1, "log_level: Invalid enum value 'loud'"),
        ("[local]\nmodel = ''\n", 2, "local.model: a text of length >= 1 is wanted"),
        ("local = 3\n", 1, "local is a table"),
        ("[budget]\nday = -1\n", 2, "budget.day: a number >= 0.0 is wanted"),
        ("[providers.mine]\napi = 'x'\n", 2, "providers.mine.api: Invalid enum value 'x'"),
        ("[providers.mine]\napi = 'x'\n", 2, "one of openai, anthropic, cohere"),
        ("log_level = 'loud'\n", 1, "one of debug, info, warning, error"),
        ("[providers.ollama]\nconsent = true\n", 1, "write [ollama]"),
        ("[providers.local]\n", 1, "write [local]"),
        ("[providers.'my own']\napi = 'openai'\n", 1, "'my own' can be no provider's name"),
        ("[providers.'a:b']\napi = 'openai'\n", 1, "'a:b' can be no provider's name"),
        ("[providers.mine]\nmid = 'x'\n", 1, 'write api = "openai"'),
        ("[providers.openai]\nbase_url = 'box:1/v1'\n", 2, "write it as 'http://box:1/v1'"),
        ("[ollama]\nbase_url = 'ftp://x'\n", 2, "ollama.base_url: 'ftp://x' is no address"),
        ("[ollama]\nbase_url = 'http://x:port'\n", 2, "write it like 'http://localhost:8080'"),
        ("[ollama]\nbase_url = 'http://my box'\n", 2, "write it like 'http://localhost:8080'"),
        ("[providers.openai]\nbase_url = 'not a url'\n", 2, "write it like 'http://localhost:8080'"),
        ("[providers.openai]\napi = 'anthropic'\n", 1, "openai does not speak the protocol of anthropic"),
        ("[providers.openai]\napi = 'anthropic'\n", 1, "[providers.my-anthropic]"),
        ("[providers.mine]\napi = 'openai'\n", 1, "providers.mine: its address is missing"),
        ("[providers.mine]\napi = 'cohere'\nbase_url = ''\n", 1, "write base_url ="),
        ("[models.mine]\npath = 'x.gguf'\nmodel = 'phi-2'\n", 1, "leave out path or model"),
        ("[models.mine]\nreplicas = 3\nmax_replicas = 2\n", 1, "raise max_replicas"),
        ("[budget]\nday = inf\n", 2, "budget.day: inf is not a number"),
        ("[budget]\nmonth = nan\n", 2, "budget.month"),
        ("memory_pressure = nan\n", 1, "memory_pressure"),
        ("[prices.'a:b']\noutput = nan\n", 2, 'prices."a:b".output'),
        ("memory_low = '1e9'\n", 1, "memory_low"),
        (
            "memory_low = 99999999999999999999\n",
            1,
            "memory_low: 99999999999999999999 is more than any machine",
        ),
        ("[prices.foo]\ninput = 1\n", 1, 'write [prices."openai:gpt-4"]'),
        ("[prices.':gpt-4']\n", 1, "a price is that of a provider's model"),
        ("[prices.openai.gpt-4]\ninput = 1\n", 1, 'write [prices."openai:gpt-4"]'),
        ("[providers.mine]\napi_key = 12345\n", 2, "providers.mine.api_key: Expected a text"),
        ("local_only = 1\n", 1, "local_only: true or false is wanted, not a whole number"),
        ("[models.mine]\npath = 'x'\nslot = 1\n", 3, "did you mean slots?"),
        ("[models.mine]\n\nslots = 1.5\n", 3, "models.mine.slots: a whole number is wanted, not a number"),
        ("models = 3\n", 1, "models holds tables"),
        ("[models]\nmine = 3\n", 2, "models.mine is a table"),
        ("models = {mine = {slots = 'x'}}\n", 1, "models.mine.slots"),
        ('threads = 1\n[models."a.b"]\npath = 1\n', 3, 'models."a.b".path'),
    ],
)
def test_an_error_in_the_file_names_file_and_line(config: Path, text: str, line: int, says: str) -> None:
    message = refusal(config, text)
    assert f"{config}:{line}: " in message
    assert says in message


def test_broken_toml_names_file_and_line(config: Path) -> None:
    message = refusal(config, "threads = 1\nmodel = \n")
    assert str(config) in message
    assert "line 2" in message


def test_a_missing_file_is_an_error_when_it_was_asked_for() -> None:
    with pytest.raises(AiPalError, match="AI_PAL_CONFIG: there is no file /nowhere"):
        load_settings(None, {"AI_PAL_CONFIG": "/nowhere/c.toml"})


def test_a_file_that_is_not_text_is_refused(config: Path) -> None:
    config.write_bytes(b"model = '\xff'")
    with pytest.raises(AiPalError, match="not UTF-8"):
        load_settings(None, {"AI_PAL_CONFIG": str(config)})


def test_a_byte_order_mark_is_no_part_of_the_file(config: Path) -> None:
    config.write_text("threads = 2\n", encoding="utf-8-sig")
    settings, origins = load_settings(None, {"AI_PAL_CONFIG": str(config)})
    assert (settings.threads, origins["threads"]) == (2, "config.toml:1")


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AiPalError, match="Is a directory"):
        load_settings(None, {"AI_PAL_CONFIG": str(tmp_path)})


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("AI_PAL_THREADS", "many", "a whole number is wanted, not a text"),
        ("AI_PAL_LOCAL_ONLY", "maybe", "one of true, yes, on, 1, false, no, off, 0"),
        ("AI_PAL_OLLAMA_ENABLED", "2", "'2' is neither true nor false"),
        ("AI_PAL_KEEP_ALIVE", "soon", "not a duration"),
        ("AI_PAL_KEEP_ALIVE", "1e300", "longer than 100 years"),
        ("AI_PAL_GAP_TIMEOUT", "never", "a number > 0.0 is wanted"),
        ("AI_PAL_BUDGET_DAY", "inf", "'inf' is not a number"),
        ("AI_PAL_BUDGET_MONTH", "nan", ""),
        ("AI_PAL_MEMORY_PRESSURE", "nan", ""),
        ("AI_PAL_MEMORY_BUDGET", "9" * 400 + "GB", "more than any machine has"),
        ("AI_PAL_DEADLINE", "0", "0 leaves no time for anything"),
        ("AI_PAL_CONTEXT", "99999999999999999999", "<= 1000000000"),
        ("AI_PAL_OLLAMA_BASE_URL", "box", "write it as 'http://box'"),
    ],
)
def test_an_error_in_the_environment_names_the_variable(
    config: Path, variable: str, value: str, says: str
) -> None:
    message = refusal(config, "", None, **{variable: value})
    assert f"{variable}: " in message
    assert says in message


@pytest.mark.parametrize("url", ["", "http://box", "https://gateway.example/v1", "http://[::1]:11434/"])
def test_addresses_are_taken_as_they_are(config: Path, url: str) -> None:
    settings, _ = load(config, f"[ollama]\nbase_url = '{url}'\n[providers.openai]\napi = 'openai'\n")
    assert settings.ollama.base_url == url


def test_a_variable_with_a_typo_is_refused(config: Path) -> None:
    message = refusal(config, AI_PAL_LOCALONLY="1")
    assert "unknown variable AI_PAL_LOCALONLY" in message
    assert "did you mean AI_PAL_LOCAL_ONLY?" in message


@pytest.mark.parametrize(
    ("variable", "table"),
    [
        ("AI_PAL_LOCAL", "[local]"),
        ("AI_PAL_OLLAMA", "[ollama]"),
        ("AI_PAL_BUDGET_OF_ALL_CLOUDS", "[budget]"),
        ("AI_PAL_PROVIDERS_OPENAI_CONSENT", "[providers.NAME]"),
        ("AI_PAL_MODELS_SMOLLM2_PIN", "[models.NAME]"),
        ("AI_PAL_PRICES", "[prices.NAME]"),
    ],
)
def test_a_variable_for_a_table_is_refused(config: Path, variable: str, table: str) -> None:
    message = refusal(config, "", None, **{variable: "false"})
    assert f"unknown variable {variable}" in message
    assert f"write it in the config file, under {table}" in message


def test_variables_that_name_nothing_are_listed() -> None:
    known = dict.fromkeys(
        ("AI_PAL_HOME", "AI_PAL_KEY_X", "AI_PAL_TEST_X", "AI_PAL_MODEL", "AI_PAL_BUDGET_DAY"), "1"
    )
    assert unknown_variables(known | {"AI_PAL_NOSUCH": "1", "AI_PAL_EMPTY": "", "OTHER": "1"}) == [
        "AI_PAL_NOSUCH"
    ]


@pytest.mark.parametrize(
    "variable", ["AI_PAL_HOME", "AI_PAL_TEST_MODEL", "AI_PAL_CHAOS_ROUNDS", "AI_PAL_XYZZY"]
)
def test_other_variables_are_left_alone(config: Path, variable: str) -> None:
    assert load(config, "", None, **{variable: "1"}).settings.model == ""


def test_an_error_in_a_flag_names_the_flag(config: Path) -> None:
    assert "--keep-alive: 'soon'" in refusal(config, overrides={"keep_alive": "soon"})


def test_an_unknown_override_is_refused(config: Path) -> None:
    assert "did you mean threads?" in refusal(config, overrides={"thread": 1})


def test_tables_of_one_kind_have_variables_too(config: Path) -> None:
    settings, origins = load(config, "[budget]\nday = 1\nmonth = 20\n", AI_PAL_BUDGET_DAY="0.5")
    assert (settings.budget.day, settings.budget.month) == (0.5, 20)
    assert (origins["budget.day"], origins["budget.month"]) == ("AI_PAL_BUDGET_DAY", "config.toml:3")


def test_settings_know_of_a_key_only_that_it_is_there(config: Path) -> None:
    text = "[providers.openai]\napi_key = 'sk-very-secret'\n[providers.cohere]\napi_key = ' '\n"
    settings, _ = load(config, text)
    assert settings.providers["openai"].api_key is True
    assert settings.providers["cohere"].api_key is False
    assert "sk-very-secret" not in repr(settings)


def test_a_key_in_the_wrong_place_is_not_repeated(config: Path) -> None:
    with pytest.raises(AiPalError) as caught:
        load(config, "[providers.openai]\napi_key = ['sk-very-secret']\n")
    assert "sk-very-secret" not in caught.value.failure.message


@pytest.mark.parametrize("name", ["gw:x", "mine"])
def test_the_model_of_this_machine_is_no_providers(config: Path, name: str) -> None:
    text = "[providers.gw]\napi = 'openai'\nbase_url = 'http://h/v1'\n[models.mine]\nmodel = 'gw:x'\n"
    said = refusal(config, text, AI_PAL_LOCAL_MODEL=name)
    assert said.startswith("AI_PAL_LOCAL_MODEL: local.model:")
    assert f"write model = '{name}'" in said


@pytest.mark.parametrize(
    ("name", "said", "wrong"),
    [
        ("box", 'ssh = "me@box"', "host_key and identity is missing"),
        ("box", 'ssh = "-oProxyCommand=x"', "machines.box.ssh"),
        ("box", 'host_key = "AAAA"', "machines.box.host_key"),
        ("box", 'url = "https://box"', "certificate is missing"),
        ("box", 'url = "http://box"\ncertificate = "TUlJ"', "nobody is pinned"),
        ("box", f'{MACHINE}\nurl = "https://box"\ncertificate = "TUlJ"', "not both"),
        ("openai", MACHINE, "means something else"),
        ("a:b", MACHINE, "can be no machine's name"),
        ("own", f'{MACHINE}\n[providers.own]\napi = "openai"\nbase_url = "http://x"', "a provider"),
    ],
)
def test_a_machine_is_whole_and_has_a_name_of_its_own(config: Path, name: str, said: str, wrong: str) -> None:
    assert wrong in refusal(config, f'[machines."{name}"]\n{said}\n')


def test_a_machine_that_is_whole_is_taken(config: Path) -> None:
    assert load(config, f"[machines.box]\n{MACHINE}\n").settings.machines["box"].ssh == "me@box"


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ('engine = "command"', "cluster.engine is command, and no node is named"),
        ('engine = "ray"', "cluster.engine is ray, and its address is missing"),
        ('shared = "~/models"', "cluster.shared is '~/models', which is no absolute path"),
        ('engine = "command"\nlisten = "0.0.0.0:7080"\nnodes = {a = "env python"}', "no node can connect to"),
        ('engine = "command"\nnodes = {"a b" = "env python"}', "is no node"),
        ('engine = "command"\nnodes = {a = " "}', "is no node"),
    ],
)
def test_a_cluster_is_whole(config: Path, said: str, wrong: str) -> None:
    assert wrong in refusal(config, f"[cluster]\n{said}\n")


def test_only_the_file_names_where_workers_run(config: Path) -> None:
    text = '[cluster]\nengine = "command"\nnodes = {a = "ssh a python3"}\n'
    assert load(config, text).settings.cluster.nodes == {"a": "ssh a python3"}
    assert "AI_PAL_CLUSTER_LISTEN" in refusal(config, text, AI_PAL_CLUSTER_LISTEN="1.2.3.4:5")
