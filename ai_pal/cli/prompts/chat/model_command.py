"""`/model` in a conversation: which model answers, and what there are."""

import os
from typing import TYPE_CHECKING

import msgspec

from ai_pal.catalog.references.naming import check_model
from ai_pal.cli.models.known_models import in_words
from ai_pal.cli.prompts.arguments import absolute_model
from ai_pal.cli.prompts.chat.command_context import ROUTED, CommandContext
from ai_pal.cli.prompts.chat.hints import described
from ai_pal.errors import AiPalError, Failure

if TYPE_CHECKING:
    from ai_pal.config import Settings


def model(context: CommandContext, argument: str) -> None:
    if argument:
        named = "" if argument == ROUTED else absolute_model(argument)
        try:
            if named:
                check_model(named, context.session.settings)
        except AiPalError as error:
            context.say(described(error.failure))
        else:
            context.wishes = msgspec.structs.replace(context.wishes, model=named)
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
