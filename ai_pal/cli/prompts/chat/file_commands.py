"""The `/commands` of a conversation that name files: those that go with the next prompt, and `/save`."""

from pathlib import Path

from ai_pal.cli.prompts.chat import attaching
from ai_pal.cli.prompts.chat.command_context import CommandContext
from ai_pal.cli.prompts.chat.hints import described
from ai_pal.cli.prompts.chat.quoted import unquoted
from ai_pal.cli.terminal.private_file import owner_only
from ai_pal.cli.terminal.streams import Terminal
from ai_pal.cli.terminal.whole_numbers import is_whole
from ai_pal.config import paths
from ai_pal.conversations.model import shown_attachment
from ai_pal.errors import AiPalError


def attach(context: CommandContext, argument: str) -> None:
    terminal = Terminal.detect()
    try:
        if argument:
            found = attaching.attached(attaching.names_in(argument), terminal)
        else:
            found = [attaching.from_clipboard(terminal)]
    except AiPalError as error:
        context.say(described(error.failure))
        return
    context.attachments += found
    for one in found:
        context.say(f"attached {shown_attachment(one)}")


def attachments(context: CommandContext, argument: str) -> None:
    if not context.attachments:
        context.say("nothing is attached; /attach FILE, or /attach for the clipboard")
        return
    lines = [f"{number}  {shown_attachment(one)}" for number, one in enumerate(context.attachments, 1)]
    context.say("\n".join(["with the next prompt go:", *lines]))


def detach(context: CommandContext, argument: str) -> None:
    number = int(argument) if is_whole(argument) else 0
    if argument and not 1 <= number <= len(context.attachments):
        context.say(f"there is no attachment {argument}; see /attachments")
        return
    gone = [context.attachments[number - 1]] if argument else list(context.attachments)
    context.attachments = [one for one in context.attachments if not any(one is other for other in gone)]
    context.say(f"taken off: {', '.join(one.name for one in gone)}" if gone else "nothing is attached")


def save(context: CommandContext, argument: str) -> None:
    if not argument:
        context.say("say where: /save FILE")
        return
    try:
        file = Path(paths.expanded(unquoted(argument))).absolute()
    except AiPalError as error:
        context.say(described(error.failure))
        return
    mode = "w" if context.refused_save == file else "x"
    context.refused_save = None
    try:
        with open(file, mode, encoding="utf-8", opener=owner_only) as out:
            out.write(context.conversation.markdown())
    except FileExistsError:
        context.refused_save = file
        context.say(f"{file} exists: enter the same command again to overwrite it")
    except OSError as error:
        context.say(f"{file} cannot be written: {error.strerror}")
    else:
        context.say(f"saved {file}")
