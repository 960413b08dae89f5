"""The /commands of a conversation."""

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ai_pal.cli.models.known_models import known_models
from ai_pal.cli.prompts.chat import clipboard
from ai_pal.cli.prompts.chat.command_context import CommandContext
from ai_pal.cli.prompts.chat.commands import COMMANDS, Leave, run_command
from ai_pal.cli.prompts.chat.entry import Command
from ai_pal.cli.prompts.chat.line_input import CommandCompleter, open_history
from ai_pal.cli.prompts.chat.session import Session
from ai_pal.cli.prompts.wishes import Wishes
from ai_pal.config import ModelSettings, Settings, presets
from ai_pal.config.presets import Preset
from ai_pal.config.provider_access import remember
from ai_pal.config.tables import RouterSettings
from ai_pal.conversations.model import Attachment, Conversation
from ai_pal.conversations.recorder import Recorder
from ai_pal.protocol.content import Document, Image, Reasoning
from ai_pal.protocol.options import GenerationOptions
from tests.gguf_files import gguf
from tests.pictures import png


class Bench:
    """A session and what it said."""

    def __init__(self, recorder: Recorder) -> None:
        self.said: list[str] = []
        self.conversation = Conversation()
        self.context = CommandContext(
            self.conversation, Wishes(), Session(Settings()), self.said.append, recorder
        )

    def enter(self, name: str, argument: str = "") -> str:
        return run_command(self.context, Command(name, argument))

    def tell(self, prompt: str, answer: str) -> None:
        self.conversation.ask(prompt)
        self.conversation.answered(answer, "m")


class Rating:
    """A client that takes opinions."""

    def __init__(self) -> None:
        self.rated: list[tuple[int, bool]] = []

    def rate(self, answer: int, good: bool) -> bool:
        self.rated.append((answer, good))
        return True


def learning(bench: Bench, *, answer: int) -> Rating:
    """Opinions are wanted, and this was the last answer."""
    client = Rating()
    bench.context.session._client = client  # type: ignore[assignment]
    bench.context.session.settings = Settings(router=RouterSettings(learn=True))
    bench.context.answer = answer
    return client


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with closing(Recorder(tmp_path / "ai-pal.db", print)) as recorder:
        yield Bench(recorder)


def test_help_names_every_command(bench: Bench) -> None:
    bench.enter("help")
    assert all(f"/{name}" in bench.said[0] for name in COMMANDS)


def test_help_tells_of_one_command(bench: Bench) -> None:
    bench.enter("help", "/undo")
    bench.enter("help", "nope")
    assert bench.said == [
        f"/undo  {COMMANDS['undo'].about}",
        "there is no command /nope: see /help",
    ]


@pytest.mark.parametrize("name", [name for name, known in COMMANDS.items() if " " not in known.usage])
def test_what_stands_behind_a_command_that_takes_nothing_is_refused(bench: Bench, name: str) -> None:
    bench.tell("hello", "yes")
    assert bench.enter(name, "now please") == ""
    assert bench.said == [f"/{name} takes nothing behind it"]
    assert [turn.prompt for turn in bench.conversation.turns] == ["hello"]


def test_texts_may_stand_in_quotes(bench: Bench, tmp_path: Path) -> None:
    bench.enter("system", '"Be brief. "')
    assert bench.conversation.system == "Be brief. "
    bench.enter("system", '"Be brief')
    assert bench.conversation.system == "Be brief. "
    assert "is not in quotes as a whole" in bench.said[-1]
    bench.enter("save", f'"{tmp_path}/a talk.md"')
    assert (tmp_path / "a talk.md").exists()
    bench.enter("help")
    assert "in quotes" in bench.said[-1]


def test_an_unknown_command_names_the_nearest(bench: Bench) -> None:
    assert bench.enter("hlep") == ""
    assert bench.said == ["there is no command /hlep: did you mean /help?"]


def test_model_shows_and_switches(bench: Bench) -> None:
    bench.enter("model")
    bench.enter("model", "echo")
    assert bench.said[::2] == ["model: auto", "model: echo"]
    assert bench.context.wishes.model == "echo"


def test_model_names_what_is_here_in_whatever_store_and_says_how_to_see_the_rest(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "home/.lmstudio/models/org/tiny/tiny.gguf"
    model.parent.mkdir(parents=True)
    model.write_bytes(gguf({"general.architecture": "llama"}, [("a.weight", 0, 0)]))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    bench.context.session.settings = Settings(
        model_cache_dir=str(tmp_path / "none"), models={"own": ModelSettings(path=str(model.parent))}
    )
    bench.enter("model")
    here, rest = bench.said[1].splitlines()
    assert here == "here: org/tiny (LM Studio)"
    assert rest.endswith("more models can be fetched with /model NAME; their names: ai-pal list --all")
    names = known_models(bench.context.session.settings).names
    assert (names[0], "qwen3:8b" in names, "echo" in names) == ("org/tiny", True, False)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ecko", "error: model 'ecko' not found [model_not_found]\nhint: did you mean echo?"),
        ("openai", "hint: openai is a provider: name one of its models, as in openai:MODEL"),
        ("phi-2:q9", "error: phi-2 has no variant 'q9' [model_not_found]"),
        ("/nowhere/x.gguf", "/nowhere/x.gguf"),
    ],
)
def test_model_refuses_what_is_none(bench: Bench, name: str, says: str) -> None:
    bench.enter("model", "echo")
    bench.enter("model", name)
    assert says in bench.said[1]
    assert bench.said[2:] == ["model: echo"]
    assert bench.context.wishes.model == "echo"


@pytest.mark.parametrize("name", ["openai:gpt-4", "ollama:phi", "phi-2", "org/name:Q4_K_M", "echo?slots=2"])
def test_model_takes_what_may_be_one(bench: Bench, name: str) -> None:
    bench.enter("model", name)
    assert bench.said[0] == f"model: {name}"


def test_model_tells_at_once_when_its_cloud_could_not_be_asked(
    bench: Bench, ai_pal_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    bench.enter("model", "openai:gpt-4")
    assert bench.said[1].startswith("it cannot be asked yet: there is no key for openai; ")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    bench.enter("model", "openai:gpt-4")
    assert bench.said[3].endswith("nobody has agreed that prompts go to openai; agree: ai-pal consent openai")
    remember("openai", os.environ, consent=True)
    bench.enter("model", "openai:gpt-4")
    assert bench.said[4:] == ["model: openai:gpt-4"]
    assert bench.context.wishes.model == "openai:gpt-4"


def test_system_shows_sets_and_removes(bench: Bench) -> None:
    bench.enter("system")
    bench.enter("system", "be brief")
    bench.enter("system", "-")
    assert bench.said == ["no system prompt", "system prompt: be brief", "no system prompt"]
    assert bench.conversation.system is None


def test_retry_gives_the_last_prompt_and_forgets_its_answer(bench: Bench) -> None:
    assert bench.enter("retry") == ""
    bench.tell("ask", "answer")
    assert bench.enter("retry") == "ask"
    assert bench.conversation.turns == []


def test_undo_and_clear(bench: Bench) -> None:
    bench.tell("one\nmore", "1")
    bench.enter("undo")
    assert bench.said == ["taken back: one"]
    bench.tell("two", "2")
    bench.enter("clear")
    assert bench.conversation.turns == []


def test_edit_asks_the_changed_prompt_in_place_of_the_last(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "an editor"
    editor.write_text('#!/bin/sh\necho changed > "$2"\n')
    editor.chmod(0o700)
    monkeypatch.setenv("VISUAL", f"'{editor}' --wait")
    client = learning(bench, answer=7)
    bench.tell("before", "answer")
    assert bench.enter("edit") == "changed"
    assert client.rated == [(7, False)], "whoever asks another way was not content"
    assert bench.said == ["> changed"]
    assert bench.conversation.turns == []


@pytest.mark.parametrize("editor", ["true", "false", "/nowhere/editor", "'"])
def test_edit_without_a_change_sends_and_forgets_nothing(
    bench: Bench, editor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", editor)
    client = learning(bench, answer=7)
    bench.tell("before", "answer")
    assert bench.enter("edit") == ""
    assert client.rated == []
    assert bench.conversation.last_prompt.text == "before"
    assert len(bench.said) == 1


def test_save_writes_and_overwrites_only_when_asked_twice(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "talk.md"
    bench.tell("a", "b")
    bench.enter("save", str(file))
    assert file.read_text() == bench.conversation.markdown()
    bench.tell("c", "d")
    bench.enter("save", str(file))
    assert "d" not in file.read_text()
    bench.enter("save", str(file))
    assert file.read_text() == bench.conversation.markdown()
    assert "exists" in bench.said[1]


def test_what_is_saved_is_for_its_owner_only(bench: Bench, tmp_path: Path) -> None:
    bench.enter("save", str(tmp_path / "talk.md"))
    assert stat.S_IMODE((tmp_path / "talk.md").stat().st_mode) == 0o600


def test_save_for_one_file_does_not_allow_another(bench: Bench, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("precious")
        bench.enter("save", str(tmp_path / name))
    bench.enter("save", str(tmp_path / "a"))
    assert [(tmp_path / name).read_text() for name in ("a", "b")] == ["precious"] * 2


def test_save_nowhere_is_told(bench: Bench, tmp_path: Path) -> None:
    bench.enter("save")
    bench.enter("save", str(tmp_path / "no" / "folder"))
    assert "say where" in bench.said[0]
    assert "cannot be written" in bench.said[1]


def test_exit_leaves(bench: Bench) -> None:
    with pytest.raises(Leave):
        bench.enter("exit")


def test_stats_before_any_answer(bench: Bench) -> None:
    bench.enter("stats")
    assert bench.said == ["no answers yet"]


def test_set_changes_what_is_asked_from_now_on(bench: Bench) -> None:
    bench.enter("set", "temperature 0.2")
    assert bench.context.wishes.options.temperature == 0.2
    bench.enter("set", "temprature 0.3")
    bench.enter("set")
    assert bench.said[0] == "temperature 0.2"
    assert "did you mean temperature?" in bench.said[1]
    assert bench.said[2].startswith("temperature 0.2\n/set NAME VALUE")


@pytest.mark.parametrize(
    ("argument", "copied"),
    [("", "all"), ("code", "print(2)\n"), ("code 1", "x = 1\n"), ("code 3", ""), ("code x", ""), ("it", "")],
)
def test_copy_takes_the_answer_or_a_block_of_its_code(
    bench: Bench, argument: str, copied: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = "Look:\n\n```python\nx = 1\n```\nand\n\n- in a list\n  ```\n  print(2)\n  ```\n"
    bench.tell("a", answer)
    taken: list[str] = []
    monkeypatch.setattr("ai_pal.cli.prompts.chat.turn_commands._to_terminal", taken.append)
    monkeypatch.setenv("SSH_CONNECTION", "x")
    bench.enter("copy", argument)
    assert taken == ([] if not copied else [clipboard.osc52(answer if copied == "all" else copied)])
    assert len(bench.said) == 1


def test_copy_code_without_code_is_told(bench: Bench) -> None:
    bench.tell("a", "no code here")
    bench.enter("copy", "code")
    assert bench.said == ["there is no code in the last answer"]


def test_copy_without_an_answer_is_told(bench: Bench) -> None:
    bench.enter("copy")
    assert bench.said == ["there is no answer to copy yet"]


@pytest.mark.parametrize(
    ("environ", "there", "command"),
    [
        ({}, ["pbcopy"], ["pbcopy"]),
        ({"WAYLAND_DISPLAY": "w", "DISPLAY": ":0"}, ["wl-copy", "xclip"], ["wl-copy"]),
        ({"DISPLAY": ":0"}, ["wl-copy", "xclip"], ["xclip", "-selection", "clipboard"]),
        ({}, ["xclip"], []),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "x"}, ["xclip"], []),
    ],
)
def test_the_desktop_tool_is_used_where_it_reaches_the_users_desktop(
    environ: dict[str, str], there: list[str], command: list[str]
) -> None:
    assert clipboard.tool(environ, lambda name: name if name in there else None) == command


def test_without_a_tool_the_terminal_copies() -> None:
    written: list[str] = []
    assert clipboard.copy("hé", {"PATH": "", "SSH_CONNECTION": "x"}, written.append) == "the terminal"
    assert written == ["\x1b]52;c;aMOp\x07"]


def completions(text: str) -> list[str]:
    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document

    choices = {"model": lambda: ["echo", "smollm2"]}
    completer = CommandCompleter(["help", "model", "save"], choices, ["attach", "save"])
    return [found.text for found in completer.get_completions(Document(text), CompleteEvent())]


def test_commands_and_models_are_completed() -> None:
    assert completions("/") == ["/help", "/model", "/save"]
    assert completions("/mo") == ["/model"]
    assert completions("/model e") == ["echo"]
    assert completions("/save e") == []
    assert completions("hello") == []


def test_the_history_is_for_its_owner_only(tmp_path: Path) -> None:
    history = open_history(tmp_path / "home" / "history")
    history.append_string("two\nlines")
    file = tmp_path / "home" / "history"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(open_history(file).load_history_strings()) == ["two\nlines"]


def test_a_history_that_cannot_be_kept_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    open_history(tmp_path / "file" / "history").append_string("x")


def test_files_are_attached_shown_and_taken_off(bench: Bench, tmp_path: Path) -> None:
    for name in ("notes.txt", "with blank.txt", "other.txt"):
        (tmp_path / name).write_text("Buy milk.")
    bench.enter("attach", str(tmp_path / "with blank.txt"))
    bench.enter("attach", f"'{tmp_path}/notes.txt' {tmp_path}/other.txt")
    bench.enter("attachments")
    names = ("with blank.txt", "notes.txt", "other.txt")
    lines = [f"{number}  {name} (text, 9 characters)" for number, name in enumerate(names, 1)]
    assert bench.said[:3] == [f"attached {name} (text, 9 characters)" for name in names]
    assert bench.said[3].split("\n") == ["with the next prompt go:", *lines]
    bench.enter("detach", "2")
    assert [one.name for one in bench.context.attachments] == ["with blank.txt", "other.txt"]
    bench.enter("detach", "3")
    bench.enter("detach")
    bench.enter("attachments")
    assert bench.said[-3:] == [
        "there is no attachment 3; see /attachments",
        "taken off: with blank.txt, other.txt",
        "nothing is attached; /attach FILE, or /attach for the clipboard",
    ]


def test_what_cannot_be_attached_is_told_and_nothing_is(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Buy milk.")
    bench.enter("attach", f"{tmp_path}/notes.txt {tmp_path}/nowhere.png")
    assert "nowhere.png' cannot be attached: No such file" in bench.said[0]
    assert bench.context.attachments == []


def test_stronger_asks_the_last_prompt_of_somebody_else(bench: Bench) -> None:
    assert bench.enter("stronger") == ""
    conversation = bench.context.conversation
    conversation.ask("first")
    conversation.answered("one")
    conversation.ask("ask")
    conversation.answered("said")
    assert bench.enter("stronger") == "ask"
    assert bench.context.stronger
    assert [turn.prompt for turn in conversation.turns] == ["first"]
    conversation.ask("ask")
    assert bench.context.doubted is not None
    conversation.put_back(bench.context.doubted)
    assert [(turn.prompt, turn.answer) for turn in conversation.turns] == [("first", "one"), ("ask", "said")]
    assert conversation.last_prompt.text == "ask"


def test_opinions_go_out_once_and_only_where_that_is_wanted(bench: Bench) -> None:
    bench.enter("good")
    assert "router.learn" in bench.said[-1]
    client = learning(bench, answer=7)
    bench.enter("good")
    bench.enter("bad")
    assert client.rated == [(7, True)]
    assert bench.said[-2:] == [
        "counted, as a number on this machine", "of the last answer there is nothing to learn",
    ]  # fmt: skip
    bench.context.answer = 8
    bench.tell("ask", "said")
    bench.enter("stronger")
    assert client.rated[1:] == [(8, False)]


def test_retry_brings_the_files_of_the_prompt_along(bench: Bench) -> None:
    notes = Attachment("notes.txt", Document("notes.txt", "Buy milk."))
    bench.conversation.ask("What is to do?", [notes])
    bench.conversation.answered("Buy milk.")
    assert bench.enter("retry") == "What is to do?"
    assert bench.context.attachments == [notes]


def script(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    return folder


def test_a_picture_that_was_copied_is_attached_before_a_text(bench: Bench, desktop: Path) -> None:
    (desktop / "copied.png").write_bytes(png())
    target = f'case "$*" in *image/png*) cat {desktop}/copied.png;; *) printf "a text";; esac'
    script(desktop, "xclip", target)
    bench.enter("attach")
    assert bench.context.attachments[0].part == Image("image/png", png())
    script(desktop, "xclip", 'case "$*" in *image/png*) exit 1;; *) printf "a text";; esac')
    bench.enter("attach")
    assert bench.context.attachments[1].part == Document("clipboard", "a text")


def test_a_clipboard_that_has_nothing_or_is_elsewhere_says_what_to_do(
    bench: Bench, desktop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(desktop, "xclip", "exit 1")
    bench.enter("attach")
    assert "hint: it takes wl-paste (wl-clipboard), xclip or pngpaste" in bench.said[0]
    monkeypatch.setenv("SSH_CONNECTION", "x")
    bench.enter("attach")
    assert "the clipboard is on the machine that you sit at" in bench.said[1]


def test_a_clipboard_that_does_not_end_is_left(desktop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clipboard, "_TOOL_SECONDS", 0.2)
    script(desktop, "xclip", "exec sleep 60")
    assert clipboard.paste(os.environ, 100) is None
    script(desktop, "xclip", "exec cat /dev/zero")
    assert clipboard.paste(os.environ, 100) == bytes(100)


def test_think_shows_the_last_thoughts_and_sets_how_hard(bench: Bench) -> None:
    bench.enter("think")
    assert bench.said[0] == "nothing was thought before the last answer"
    bench.conversation.ask("a")
    bench.conversation.answered("b", beside=[Reasoning("Hm.")])
    bench.enter("think", "high")
    assert bench.context.wishes.options.thinking == "high"
    bench.enter("think")
    assert bench.said[-2:] == [
        "Hm.", "thinking: high; one of: off, on, low, medium, high, show, hide, default"
    ]  # fmt: skip
    bench.enter("think", "hide")
    assert bench.context.hide_thinking
    bench.enter("think", "default")
    assert bench.context.wishes == Wishes()
    bench.enter("think", "hard")
    assert "invalid choice: 'hard'" in bench.said[-1]


def test_files_are_completed_behind_commands_that_take_them(tmp_path: Path) -> None:
    (tmp_path / "chart.png").touch()
    assert completions(f"/attach {tmp_path}/cha") == ["rt.png"]
    assert completions(f"/copy {tmp_path}/cha") == []


def test_how_far_a_prompt_may_go_is_set_and_the_strictest_holds(bench: Bench) -> None:
    bench.enter("mine")
    assert bench.context.wishes.mine
    assert "leaves your machines" in bench.said[-1]
    bench.enter("local", "on")
    assert "leaves this machine" in bench.said[-1]
    bench.enter("mine", "off")
    assert "leaves this machine" in bench.said[-1]
    bench.enter("local", "off")
    assert "other servers" in bench.said[-1]
    bench.enter("mine", "perhaps")
    assert bench.said[-1] == "say /mine, /mine on or /mine off"


def test_a_preset_is_taken_from_now_on_and_leaves_nothing_of_before(bench: Bench, ai_pal_home: Path) -> None:
    presets.save_fields("brief", Preset(system="Be brief.", temperature=0.2, model="echo", context=64), [])
    presets.save_fields("wild", Preset(temperature=1.5, local_only=True), [])
    bench.enter("set", "top_k 7")
    bench.enter("preset", "brief")
    assert bench.context.wishes == Wishes("echo?context=64", GenerationOptions(temperature=0.2))
    assert bench.conversation.system == "Be brief."
    bench.enter("preset", "wild")
    wild = Wishes("echo?context=64", GenerationOptions(temperature=1.5), local_only=True)
    assert bench.context.wishes == wild
    assert bench.conversation.system == "Be brief."
    bench.enter("preset", "brief")
    assert bench.context.wishes.local_only, "a preset makes nothing less so"
    bench.enter("preset", "breif")
    assert "did you mean brief?" in bench.said[-1]
    bench.enter("preset")
    assert "brief, wild" in bench.said[-1]


def test_what_is_set_is_kept_as_a_preset_and_replaces_one_when_said_twice(
    bench: Bench, ai_pal_home: Path
) -> None:
    presets.save_fields("mine", Preset(seed=1), [])
    for name, argument in (
        ("system", "You review."),
        ("set", "temperature 0.2"),
        ("set", 'schema {"type": "array"}'),
        ("set", "option pace 2"),
        ("model", "echo"),
        ("local", "on"),
    ):
        bench.enter(name, argument)
    bench.enter("preset", "save mine")
    assert presets.load_preset("mine") == Preset(seed=1)
    bench.enter("preset", "save mine")
    assert presets.load_preset("mine") == Preset(
        model="echo", system="You review.", temperature=0.2, schema='{"type":"array"}', local_only=True,
        options={"pace": 2},
    )  # fmt: skip
    before = bench.context.wishes
    bench.enter("preset", "mine")
    assert bench.context.wishes == before, "it comes back as it was"
    bench.enter("preset", "save ../x")
    assert "can be no name" in bench.said[-1]
