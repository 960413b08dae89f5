"""Changes to the config file: what stays as it was, what is refused."""

import os
import shutil
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_pal.config import load_settings
from ai_pal.config.edit import Changed, set_values, unset_value
from ai_pal.errors import AiPalError, Code

TEXT = """# my settings
keep_alive = "5m"   # a while
preload = [
    "phi-2",  # in the morning
]

[models.mine]       # the coder
model = "phi-2"
slots   =   2

[models."llama3.2"]
context = 4096
# the end
"""


def set_value(key: str, text: str) -> Changed:
    return set_values({key: text})


@pytest.fixture
def file(ai_pal_home: Path) -> Path:
    made = ai_pal_home / "config/ai-pal/config.toml"
    made.parent.mkdir(parents=True)
    made.write_text(TEXT)
    return made


def test_a_value_changes_and_nothing_else(file: Path) -> None:
    made = set_value("keep_alive", "10m")
    assert file.read_text() == TEXT.replace('"5m"', '"10m"')
    assert (made.file, made.line, made.changed) == (file, 2, True)
    assert load_settings().settings.keep_alive == 600


def test_what_is_so_already_is_left_alone(file: Path) -> None:
    before = file.stat().st_ino
    assert not set_value("models.mine.slots", "2").changed
    assert (file.read_text(), file.stat().st_ino) == (TEXT, before)


@pytest.mark.parametrize(
    ("key", "text", "path", "value"),
    [
        ("threads", "2", ("threads",), 2),
        ("router.calibrate_after", "2m", ("router", "calibrate_after"), "2m"),
        ("local_only", "yes", ("local_only",), True),
        ("memory_pressure", "12.5", ("memory_pressure",), 12.5),
        ("memory_budget", "4GB", ("memory_budget",), "4GB"),
        ("deadline", "-1", ("deadline",), -1),
        ("preload", "a, b", ("preload",), ["a", "b"]),
        ("optimization_goal", "cost", ("optimization_goal",), "cost"),
        ("local.model", "mine", ("local", "model"), "mine"),
        ("budget.day", "2", ("budget", "day"), 2),
        ("models.llama3.2.context", "2048", ("models", "llama3.2", "context"), 2048),
        ('models."llama3.2".pin', "true", ("models", "llama3.2", "pin"), True),
        ("models.new.path", "/m.gguf", ("models", "new", "path"), "/m.gguf"),
        ("providers.gw.base_url", "http://gw/v1", None, None),
        ("ollama.models.phi-2", "phi", ("ollama", "models", "phi-2"), "phi"),
        ("ollama.base_url", "http://box:1", ("ollama", "base_url"), "http://box:1"),
    ],
)
def test_every_kind_of_setting(
    file: Path, key: str, text: str, path: tuple[str, ...] | None, value: object
) -> None:
    if path is None:  # not whole without its protocol
        with pytest.raises(AiPalError, match="its protocol is missing") as caught:
            set_value(key, text)
        said = "ai-pal config set providers.gw.base_url VALUE providers.gw.api openai"
        assert said in caught.value.failure.hint
        assert file.read_text() == TEXT
        return
    set_value(key, text)
    found = tomllib.loads(file.read_text())
    for part in path:
        found = found[part]
    assert found == value
    assert type(found) is type(value)
    assert "# in the morning" in file.read_text() or key == "preload"
    assert "# the end" in file.read_text()
    load_settings()


@pytest.mark.parametrize(
    ("key", "text", "code", "says"),
    [
        ("threds", "2", Code.BAD_REQUEST, "did you mean threads?"),
        ("models.mine.contxt", "2", Code.BAD_REQUEST, "did you mean models.NAME.context?"),
        ("models.mine", "2", Code.BAD_REQUEST, ""),
        ("ollama", "x", Code.BAD_REQUEST, "ollama.FIELD"),
        ("ollama.models", "x", Code.BAD_REQUEST, "ollama.models.NAME"),
        ("threads", "many", Code.CONFIG_INVALID, "is not a number"),
        ("threads", "99999", Code.CONFIG_INVALID, "<= 512"),
        ("keep_alive", "soon", Code.CONFIG_INVALID, "is not a duration"),
        ("local_only", "perhaps", Code.CONFIG_INVALID, "neither true nor false"),
        ("optimization_goal", "fast", Code.CONFIG_INVALID, "one of privacy"),
        ("models.mine.path", "/x.gguf", Code.CONFIG_INVALID, "not both"),
        ("ollama.base_url", "localhost", Code.CONFIG_INVALID, "is no address"),
    ],
)
def test_mistakes_change_nothing(file: Path, key: str, text: str, code: Code, says: str) -> None:
    with pytest.raises(AiPalError) as caught:
        set_value(key, text)
    assert caught.value.code == code
    assert says in f"{caught.value.failure.message} {caught.value.failure.hint}"
    assert file.read_text() == TEXT


@pytest.mark.parametrize(
    ("key", "secret"),
    [("providers.openai.api_key", "sk-1234"), ("providers.openai.base_url", "https://me:sk-1234@host/v1")],
)
def test_secrets_are_no_arguments(file: Path, key: str, secret: str) -> None:
    with pytest.raises(AiPalError) as caught:
        set_value(key, secret)
    failure = caught.value.failure
    assert "sk-1234" not in f"{failure.message} {failure.hint} {failure.detail}"
    assert file.read_text() == TEXT


def test_what_is_unset_goes_with_its_comment_only(file: Path) -> None:
    unset_value("keep_alive")
    assert file.read_text() == TEXT.replace('keep_alive = "5m"   # a while\n', "")
    assert not unset_value("keep_alive").changed


def test_what_only_makes_sense_together_is_set_together(file: Path) -> None:
    set_values({"providers.gw.base_url": "http://gw/v1", "providers.gw.api": "openai"})
    own = load_settings().settings.providers["gw"]
    assert (own.base_url, own.api) == ("http://gw/v1", "openai")
    set_values({"prices.openai:gpt-4.input": "30", "prices.openai:gpt-4.output": "60"})
    assert load_settings().settings.prices["openai:gpt-4"].output == 60
    before = file.read_text()
    with pytest.raises(AiPalError):
        set_values({"threads": "2", "slots": "many"})
    assert file.read_text() == before


def test_a_last_line_without_an_end_is_no_hindrance(file: Path) -> None:
    file.write_text("models.c.slots = 3")
    set_value("models.c.context", "64")
    assert tomllib.loads(file.read_text()) == {"models": {"c": {"slots": 3, "context": 64}}}


def test_a_whole_table_can_be_unset(file: Path) -> None:
    unset_value("models.llama3.2")
    assert set(tomllib.loads(file.read_text())["models"]) == {"mine"}
    assert "# the coder" in file.read_text()


def test_a_new_file_is_its_owners(ai_pal_home: Path) -> None:
    made = set_value("threads", "2").file
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert made.read_text() == "threads = 2\n"
    assert os.listdir(made.parent) == ["config.toml"]


def test_an_open_file_becomes_its_owners(file: Path) -> None:
    file.chmod(0o644)
    set_value("threads", "2")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_link_stays_one(file: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    shutil.move(file, real)
    file.symlink_to(real)
    set_value("threads", "2")
    assert file.is_symlink()
    assert tomllib.loads(real.read_text())["threads"] == 2


def test_a_mistake_that_is_there_already_is_told_with_its_line(file: Path) -> None:
    file.write_text("\nthreds = 2\n")
    with pytest.raises(AiPalError, match=r"config.toml:2: unknown setting 'threds'"):
        set_value("threads", "2")


def test_a_folder_that_cannot_be_written_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_PAL_CONFIG", "/proc/ai-pal/config.toml")
    with pytest.raises(AiPalError) as caught:
        set_value("threads", "2")
    assert caught.value.code == Code.FILE_UNREADABLE


def _set(key: str, text: str) -> bool:
    """False where it was said that this file cannot be changed there."""
    try:
        set_value(key, text)
    except AiPalError as error:
        if "cannot be changed" not in error.failure.message:
            raise
        return False
    return True


LINES = st.sampled_from(
    [
        "# a remark", "", "threads = 4", "threads=4 # four", 'keep_alive = "1h"', "history = false",
        "[budget]\nday = 1.5 # dollars", "[models.a]\nmodel = 'b'", "[models.a]\ncontext = 1_024",
        '[models."x.y"]\nslots = 2\n\n# after', "local = { model = 'x' }", "local.model = 'y'",
        "[local] # here\nmodel = 'z'", "ollama.enabled = false", "models.c.slots = 3",
        "preload = [ 'a',\n 'b' ]",
    ]
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(LINES, max_size=6).map("\n".join),
    st.sampled_from(
        [("threads", "7"), ("local.model", "q"), ("models.a.slots", "9"), ("models.x.y.pin", "no"),
         ("budget.month", "3"), ("models.c.slots", "1"), ("ollama.models.m", "n")]
    ),
)  # fmt: skip
def test_whatever_stands_in_the_file_only_the_setting_changes(
    ai_pal_home: Path, text: str, change: tuple[str, str]
) -> None:
    file = ai_pal_home / "config/ai-pal/config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    try:
        before = load_settings()
    except AiPalError:
        return  # TOML that nobody could read
    if not _set(*change):
        assert file.read_text() == text
        return
    after = load_settings()
    differing = {name for name in after.settings.__struct_fields__
                 if getattr(before.settings, name) != getattr(after.settings, name)}  # fmt: skip
    assert differing <= {change[0].partition(".")[0]}
    assert file.read_text().count("#") == text.count("#")
