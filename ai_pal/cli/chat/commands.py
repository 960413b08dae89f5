"""The `/commands` of a conversation. Each returns the prompt that is to be asked now, or ""."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args

import msgspec

from ai_pal.catalog.naming import check_model
from ai_pal.cli.chat import clipboard, setting
from ai_pal.cli.chat import file_commands as files
from ai_pal.cli.chat.arguments import absolute_model
from ai_pal.cli.chat.entry import Command, nearest, shown_prompt
from ai_pal.cli.chat.figures import Totals
from ai_pal.cli.chat.hints import described
from ai_pal.cli.chat.keyboard import spoken_to
from ai_pal.cli.chat.preset_command import preset
from ai_pal.cli.chat.quoted import unquoted
from ai_pal.cli.chat.session import Session, Wishes
from ai_pal.cli.known_models import in_words
from ai_pal.cli.terminal import editor
from ai_pal.conversations.model import Attachment, Conversation, Turn
from ai_pal.conversations.recorder import Recorder
from ai_pal.counted import counted
from ai_pal.errors import AiPalError, Failure
from ai_pal.protocol.options import Thinking

if TYPE_CHECKING:
    from ai_pal.config import Settings

ROUTED = "auto"
"""What stands for a model where the router chooses."""


class Leave(Exception):  # noqa: N818 (not an error)
    """The user wants to leave."""


class CommandContext:
    """What the commands act on; `say` prints a remark. `attachments` go with the next prompt."""

    def __init__(
        self,
        conversation: Conversation,
        wishes: Wishes,
        session: Session,
        say: Callable[[str], None],
        recorder: Recorder,
    ) -> None:
        self.conversation = conversation
        self.wishes = wishes
        self.session = session
        self.say = say
        self.recorder = recorder
        self.totals = Totals()
        self.refused_save: Path | None = None
        self.attachments: list[Attachment] = []
        self.hide_thinking = False
        self.answer = 0
        """The id of the last answer, 0 where there is none to be spoken of."""
        self.stronger = False
        """The next prompt is asked of somebody who may know better than the model of this machine."""
        self.doubted: Turn | None = None
        """The turn whose prompt that is: its answer stays if nobody gives another."""

    @property
    def model(self) -> str:
        return self.wishes.model or self.session.settings.model or ROUTED


def run_command(context: CommandContext, command: Command) -> str:
    """Run one command; returns what is to be asked now, "" for nothing. Raises `Leave`."""
    known = COMMANDS.get(command.name)
    if known is None:
        near = nearest(command.name, COMMANDS)
        meant = f"did you mean /{near}?" if near else "see /help"
        context.say(f"there is no command /{command.name}: {meant}")
        return ""
    if command.argument and " " not in known.usage:
        context.say(f"{known.usage} takes nothing behind it")
        return ""
    return known.run(context, command.argument) or ""


def _help(context: CommandContext, argument: str) -> None:
    name = argument.removeprefix("/")
    if name and name not in COMMANDS:
        context.say(f"there is no command /{name}: see /help")
        return
    shown = [COMMANDS[name]] if name else list(COMMANDS.values())
    width = max(len(command.usage) for command in shown)
    lines = [f"{command.usage:<{width}}  {command.about}" for command in shown]
    context.say("\n".join(lines if name else [*lines, "", *KEYS]))


def _model(context: CommandContext, argument: str) -> None:
    if argument:
        model = "" if argument == ROUTED else absolute_model(argument)
        try:
            if model:
                check_model(model, context.session.settings)
        except AiPalError as error:
            context.say(described(error.failure))
        else:
            context.wishes = msgspec.structs.replace(context.wishes, model=model)
    failure = _obstacle(context.model, context.session.settings) if argument else None
    context.say(f"model: {context.model}")
    if failure is not None:
        context.say(f"it cannot be asked yet: {failure.message}; {failure.hint}")
    if not argument:
        context.say("\n".join(in_words(context.session.settings)))


def _obstacle(model: str, settings: "Settings") -> Failure | None:
    """Why the cloud that a model is named of could not be asked."""
    from ai_pal.config.clouds import clouds
    from ai_pal.config.elsewhere import elsewhere

    known = clouds(settings)
    there = elsewhere(model, set(known))
    if there is None:
        return None
    from ai_pal.config.provider_access import Access, read_access
    from ai_pal.providers.cloud import cloud

    try:
        access = read_access().get(there.provider, Access())
    except AiPalError as error:
        return error.failure
    return cloud(there.provider, known[there.provider], access, os.environ).obstacle


def _local(context: CommandContext, argument: str) -> None:
    if argument not in ("", "on", "off"):
        context.say("say /local, /local on or /local off")
        return
    if argument:
        context.wishes = msgspec.structs.replace(context.wishes, local_only=argument == "on")
    elif not context.wishes.local_only:
        context.wishes = msgspec.structs.replace(context.wishes, local_only=True)
    _say_how_far(context)


def _mine(context: CommandContext, argument: str) -> None:
    if argument not in ("", "on", "off"):
        context.say("say /mine, /mine on or /mine off")
        return
    context.wishes = msgspec.structs.replace(context.wishes, mine=argument != "off")
    _say_how_far(context)


def _say_how_far(context: CommandContext) -> None:
    """Where prompts may go by now: the strictest of what is set holds."""
    if context.session.is_private(context.wishes):
        context.say("nothing of this conversation leaves this machine")
    elif context.session.is_among_mine(context.wishes):
        named = ", ".join(context.session.settings.machines) or "none yet: ai-pal machines"
        context.say(f"nothing of this conversation leaves your machines (besides this one: {named})")
    else:
        context.say("prompts may go to other servers, as far as you have agreed")


def _system(context: CommandContext, argument: str) -> None:
    try:
        if argument:
            context.conversation.system = None if argument == "-" else unquoted(argument)
    except AiPalError as error:
        context.say(described(error.failure))
        return
    system = context.conversation.system
    context.say("no system prompt" if system is None else f"system prompt: {system}")


def _clear(context: CommandContext, argument: str) -> None:
    context.conversation.clear()
    context.recorder.begin_anew()
    context.say("a new conversation; the system prompt stays")


def _forget(context: CommandContext, argument: str) -> None:
    try:
        kept = context.recorder.forget()
    except (AiPalError, OSError) as error:
        context.say(f"it cannot be deleted: {error}")
        return
    context.conversation.clear()
    context.say("deleted from the history; a new conversation" if kept else "a new conversation")


def _good(context: CommandContext, argument: str) -> None:
    context.say(_opinion(context, good=True))


def _bad(context: CommandContext, argument: str) -> None:
    context.say(_opinion(context, good=False))


def _opinion(context: CommandContext, *, good: bool) -> str:
    if not context.session.settings.router.learn:
        return "nothing is learned of answers: ai-pal config set router.learn true"
    learned = _rate(context, good=good)
    return (
        "counted, as a number on this machine" if learned else "of the last answer there is nothing to learn"
    )


def _rate(context: CommandContext, *, good: bool) -> bool:
    """Count what is said of the last answer, once, where that is wanted. True: it taught something."""
    answer, context.answer = context.answer, 0
    if not answer or not context.session.settings.router.learn:
        return False
    try:
        return context.session.client.rate(answer, good)
    except AiPalError:
        return False  # an opinion is worth no failure


def _retry(context: CommandContext, argument: str) -> str:
    _rate(context, good=False)
    prompt = context.conversation.take_back()
    context.attachments = [*prompt.attachments, *context.attachments]
    context.say(shown_prompt(prompt.text) if prompt.text else "there is nothing to ask again")
    return prompt.text


def _stronger(context: CommandContext, argument: str) -> str:
    _rate(context, good=False)
    before = [*context.conversation.turns]
    prompt = context.conversation.take_back()
    context.doubted = before[-1] if len(before) > len(context.conversation.turns) else None
    context.attachments = [*prompt.attachments, *context.attachments]
    context.stronger = bool(prompt.text)
    context.say(shown_prompt(prompt.text) if prompt.text else "there is nothing to ask again")
    return prompt.text


def _undo(context: CommandContext, argument: str) -> None:
    prompt = context.conversation.take_back().text
    first = prompt.strip().partition("\n")[0]
    context.say(f"taken back: {first}" if prompt else "there is nothing to take back")


def _edit(context: CommandContext, argument: str) -> str:
    before = context.conversation.last_prompt
    try:
        with spoken_to(terminal=sys.stdin.isatty()):
            after = editor.edit(before.text)
    except (OSError, ValueError) as error:
        context.say(f"the editor cannot be started: {error}; set EDITOR")
        return ""
    if after is None or not after.strip() or after.strip() == before.text.strip():
        context.say("nothing was changed, nothing is sent")
        return ""
    context.attachments = [*context.conversation.take_back().attachments, *context.attachments]
    context.say(shown_prompt(after.strip()))
    return after.strip()


def _copy(context: CommandContext, argument: str) -> None:
    text = context.conversation.last_answer
    if not text:
        context.say("there is no answer to copy yet")
        return
    if argument:
        from ai_pal.cli.chat.code_blocks import chosen_block

        text = chosen_block(argument, text, context.say)
    if text:
        way = clipboard.copy(text, os.environ, _to_terminal)
        context.say(f"copied {counted(len(text), 'character')} through {way}")


def _set(context: CommandContext, argument: str) -> None:
    if argument:
        try:
            context.wishes = setting.changed(context.wishes, argument)
        except AiPalError as error:
            context.say(described(error.failure))
            return
        if remark := setting.remark_on(argument):
            context.say(remark)
    said = setting.lines(context.wishes) or ["nothing is set"]
    names = f"/set NAME VALUE, with one of: {', '.join(setting.NAMES)}"
    context.say("\n".join(said if argument else [*said, names]))


def _think(context: CommandContext, argument: str) -> None:
    if argument in ("show", "hide"):
        context.hide_thinking = argument == "hide"
        context.say("thoughts are shown while they come" if argument == "show" else "thoughts are hidden")
    elif argument:
        _set(context, f"think {argument}")
    else:
        thinking = context.conversation.last_thinking.strip()
        context.say(thinking or "nothing was thought before the last answer")
        level = context.wishes.options.thinking or "as the model does by default"
        context.say(f"thinking: {level}; one of: {', '.join(THINK)}")


def _to_terminal(sequence: str) -> None:
    stream = sys.stdout if sys.stdout.isatty() else sys.stderr
    stream.write(sequence)
    stream.flush()


def _stats(context: CommandContext, argument: str) -> None:
    context.say("\n".join(context.totals.lines()))


def _exit(context: CommandContext, argument: str) -> None:
    raise Leave


class Known(NamedTuple):
    """A command: how it is written, what it does."""

    usage: str
    about: str
    run: Callable[[CommandContext, str], str | None]


COMMANDS: dict[str, Known] = {
    "help": Known("/help [COMMAND]", "show this, or one command", _help),
    "model": Known("/model [NAME]", "show the model, or answer with another from now on", _model),
    "local": Known("/local [on|off]", "keep this conversation on this machine", _local),
    "mine": Known("/mine [on|off]", "keep this conversation on machines of yours", _mine),
    "system": Known("/system [TEXT]", "show or set the system prompt; - for none", _system),
    "set": Known("/set [NAME VALUE]", "show or set the temperature and more; default takes it back", _set),
    "preset": Known("/preset [NAME]", "take a preset from now on; save NAME keeps what is set", preset),
    "attach": Known("/attach [FILE]", "attach a file to the next prompt, or what was copied", files.attach),
    "attachments": Known("/attachments", "show what is attached", files.attachments),
    "detach": Known("/detach [N]", "take one attachment off, or all", files.detach),
    "think": Known("/think [LEVEL]", "show the last thoughts, or set off, on, low, medium, high", _think),
    "clear": Known("/clear", "begin a new conversation", _clear),
    "forget": Known("/forget", "delete this conversation from the history, and begin a new one", _forget),
    "retry": Known("/retry", "ask the last prompt again", _retry),
    "good": Known("/good", "say that the last answer was good: see router.learn", _good),
    "bad": Known("/bad", "say that it was not", _bad),
    "stronger": Known("/stronger", "ask the last prompt again, of somebody who may know better", _stronger),
    "undo": Known("/undo", "take back the last prompt and its answer", _undo),
    "edit": Known("/edit", "change the last prompt in $EDITOR and ask it again", _edit),
    "copy": Known("/copy [code [N]]", "copy the last answer, or a block of its code", _copy),
    "save": Known("/save FILE", "write the conversation to a Markdown file", files.save),
    "stats": Known("/stats", "show the tokens and the speed of this session", _stats),
    "exit": Known("/exit", "leave; so does Ctrl-D", _exit),
}

THINK = (*get_args(Thinking), "show", "hide", setting.DEFAULT)
"""What may stand behind /think."""

KEYS = (
    "Enter sends; Alt-Enter or Ctrl-J begins a new line.",
    'A text that begins with """ goes on until the next """.',
    "Ctrl-C stops an answer or clears the line; twice, it leaves.",
    "exit, quit and Ctrl-D leave; Ctrl-Z suspends.",
    "A VALUE or TEXT may stand in quotes, \"a\\n\" or 'as it is', and must where blanks at its end count.",
    "The options that a conversation can begin with: ai-pal chat --help",
)
