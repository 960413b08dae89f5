"""`/preset` in a conversation: what `ai-pal preset` keeps is taken from now on, or what is set is kept."""

import argparse

import msgspec

from ai_pal.catalog.references.naming import check_model
from ai_pal.catalog.references.text import is_path
from ai_pal.cli.prompts import arguments
from ai_pal.cli.prompts.chat.command_context import CommandContext
from ai_pal.cli.prompts.chat.hints import described
from ai_pal.cli.prompts.presetting import apply, examples_of, of_conversation
from ai_pal.cli.prompts.windowed import windowed
from ai_pal.cli.prompts.wishes import Wishes
from ai_pal.config import presets
from ai_pal.config.presets import FIELDS, Preset
from ai_pal.errors import AiPalError

SAVE = "save"


def preset(context: CommandContext, argument: str) -> None:
    word, _, name = argument.partition(" ")
    try:
        if not argument:
            known = ", ".join(presets.names()) or "none yet"
            context.say(f"presets: {known}; /preset NAME takes one, /preset {SAVE} NAME keeps what is set")
        elif word == SAVE and name.strip():
            _save(context, name.strip())
        else:
            _take(context, argument)
    except AiPalError as error:
        context.say(described(error.failure))


def taken(wishes: Wishes, found: Preset, model: str) -> Wishes:
    """The wishes with what a preset says: sampling is as there alone, the model too if it names one. What is
    local-only, or for the user's machines alone, stays so. Raises `AiPalError` (`config_invalid`)."""
    parser = argparse.ArgumentParser(add_help=False)
    arguments.add_arguments(parser)
    args = parser.parse_args([])
    apply(found, args)
    said = arguments.wishes(args)
    return msgspec.structs.replace(
        wishes,
        model=model or wishes.model,
        options=msgspec.structs.replace(said.options, lora=wishes.options.lora),
        local_only=said.local_only or wishes.local_only,
        mine=said.mine or wishes.mine,
        goal=said.goal,
        max_cost=said.max_cost,
    )


def _take(context: CommandContext, name: str) -> None:
    found, settings = presets.load_preset(name), context.session.settings
    model = arguments.absolute_model(found.model or "")
    if model and not is_path(model):
        check_model(model, settings)
    if model or found.context is not None:
        model = windowed(model or context.wishes.model, found.context, settings)
    context.wishes = taken(context.wishes, found, model)
    if found.system is not None:
        context.conversation.system = found.system or None
    if found.messages is not None:
        context.conversation.examples = examples_of(found)
    context.say(f"from now on as {name} says: {', '.join(msgspec.to_builtins(found)) or 'nothing'}")


def _as_set(context: CommandContext) -> Preset:
    conversation = context.conversation
    return of_conversation(context.wishes, conversation.system, conversation.examples)


def _save(context: CommandContext, name: str) -> None:
    file, said = presets.place(name), _as_set(context)
    replaces = context.refused_save == file
    context.refused_save = None
    if presets.named(name) and not replaces:
        context.refused_save = file
        context.say(f"there is a preset {name}: enter the same command again to replace it")
        return
    presets.save_fields(name, said, [field for field in FIELDS if getattr(said, field) is None])
    fields = ", ".join(msgspec.to_builtins(said)) or "nothing but its name"
    context.say(f"{name} is kept ({fields}); use it: ai-pal chat -p {name}")
