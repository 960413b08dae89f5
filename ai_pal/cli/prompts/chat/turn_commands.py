"""The `/commands` of a conversation about its last turn: what is thought of it, what is asked instead."""

import os
import sys

from ai_pal.cli.prompts.chat import clipboard
from ai_pal.cli.prompts.chat.command_context import CommandContext
from ai_pal.cli.prompts.chat.entry import shown_prompt
from ai_pal.cli.terminal import editor
from ai_pal.cli.terminal.keyboard import spoken_to
from ai_pal.counted import counted
from ai_pal.errors import AiPalError


def good(context: CommandContext, argument: str) -> None:
    context.say(_opinion(context, good=True))


def bad(context: CommandContext, argument: str) -> None:
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


def retry(context: CommandContext, argument: str) -> str:
    _rate(context, good=False)
    prompt = context.conversation.take_back()
    context.attachments = [*prompt.attachments, *context.attachments]
    context.say(shown_prompt(prompt.text) if prompt.text else "there is nothing to ask again")
    return prompt.text


def stronger(context: CommandContext, argument: str) -> str:
    _rate(context, good=False)
    before = [*context.conversation.turns]
    prompt = context.conversation.take_back()
    context.doubted = before[-1] if len(before) > len(context.conversation.turns) else None
    context.attachments = [*prompt.attachments, *context.attachments]
    context.stronger = bool(prompt.text)
    context.say(shown_prompt(prompt.text) if prompt.text else "there is nothing to ask again")
    return prompt.text


def undo(context: CommandContext, argument: str) -> None:
    prompt = context.conversation.take_back().text
    first = prompt.strip().partition("\n")[0]
    context.say(f"taken back: {first}" if prompt else "there is nothing to take back")


def edit(context: CommandContext, argument: str) -> str:
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
    _rate(context, good=False)
    context.attachments = [*context.conversation.take_back().attachments, *context.attachments]
    context.say(shown_prompt(after.strip()))
    return after.strip()


def copy(context: CommandContext, argument: str) -> None:
    text = context.conversation.last_answer
    if not text:
        context.say("there is no answer to copy yet")
        return
    if argument:
        from ai_pal.cli.prompts.chat.code_blocks import chosen_block

        text = chosen_block(argument, text, context.say)
    if text:
        way = clipboard.copy(text, os.environ, _to_terminal)
        context.say(f"copied {counted(len(text), 'character')} through {way}")


def _to_terminal(sequence: str) -> None:
    stream = sys.stdout if sys.stdout.isatty() else sys.stderr
    stream.write(sequence)
    stream.flush()
