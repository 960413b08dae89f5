"""The `/commands` of a conversation that say how far it may go: `/local` and `/mine`."""

import msgspec

from ai_pal.cli.prompts.chat.command_context import CommandContext


def local(context: CommandContext, argument: str) -> None:
    if argument not in ("", "on", "off"):
        context.say("say /local, /local on or /local off")
        return
    if argument:
        context.wishes = msgspec.structs.replace(context.wishes, local_only=argument == "on")
    elif not context.wishes.local_only:
        context.wishes = msgspec.structs.replace(context.wishes, local_only=True)
    _say_how_far(context)


def mine(context: CommandContext, argument: str) -> None:
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
