"""The `/commands` of a conversation. Each returns the prompt that is to be asked now, or ""."""

from collections.abc import Callable
from typing import NamedTuple, get_args

from ai_pal.cli.prompts.chat import file_commands as files
from ai_pal.cli.prompts.chat import privacy_commands as privacy
from ai_pal.cli.prompts.chat import setting
from ai_pal.cli.prompts.chat import turn_commands as turns
from ai_pal.cli.prompts.chat.command_context import CommandContext
from ai_pal.cli.prompts.chat.entry import Command, nearest
from ai_pal.cli.prompts.chat.hints import described
from ai_pal.cli.prompts.chat.model_command import model
from ai_pal.cli.prompts.chat.preset_command import preset
from ai_pal.cli.prompts.chat.quoted import unquoted
from ai_pal.errors import AiPalError
from ai_pal.protocol.options import Thinking


class Leave(Exception):  # noqa: N818 (not an error)
    """The user wants to leave."""


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
    "model": Known("/model [NAME]", "show the model, or answer with another from now on", model),
    "local": Known("/local [on|off]", "keep this conversation on this machine", privacy.local),
    "mine": Known("/mine [on|off]", "keep this conversation on machines of yours", privacy.mine),
    "system": Known("/system [TEXT]", "show or set the system prompt; - for none", _system),
    "set": Known("/set [NAME VALUE]", "show or set the temperature and more; default takes it back", _set),
    "preset": Known("/preset [NAME]", "take a preset from now on; save NAME keeps what is set", preset),
    "attach": Known("/attach [FILE]", "attach a file to the next prompt, or what was copied", files.attach),
    "attachments": Known("/attachments", "show what is attached", files.attachments),
    "detach": Known("/detach [N]", "take one attachment off, or all", files.detach),
    "think": Known("/think [LEVEL]", "show the last thoughts, or set off, on, low, medium, high", _think),
    "clear": Known("/clear", "begin a new conversation", _clear),
    "forget": Known("/forget", "delete this conversation from the history, and begin a new one", _forget),
    "retry": Known("/retry", "ask the last prompt again", turns.retry),
    "good": Known("/good", "say that the last answer was good: see router.learn", turns.good),
    "bad": Known("/bad", "say that it was not", turns.bad),
    "stronger": Known(
        "/stronger", "ask the last prompt again, of somebody who may know better", turns.stronger
    ),
    "undo": Known("/undo", "take back the last prompt and its answer", turns.undo),
    "edit": Known("/edit", "change the last prompt in $EDITOR and ask it again", turns.edit),
    "copy": Known("/copy [code [N]]", "copy the last answer, or a block of its code", turns.copy),
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
