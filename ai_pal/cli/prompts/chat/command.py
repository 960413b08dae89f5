"""`ai-pal chat [PROMPT]`: ask one question, or hold a conversation."""

import argparse
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ai_pal.cli.prompts import arguments
from ai_pal.cli.prompts.chat.attaching import attached
from ai_pal.cli.prompts.chat.session import Session
from ai_pal.cli.prompts.given_prompt import checked_argument, prompt_of
from ai_pal.cli.prompts.windowed import windowed
from ai_pal.cli.prompts.wishes import Wishes
from ai_pal.cli.terminal.streams import Terminal, remark
from ai_pal.config import Settings, load_settings, paths
from ai_pal.conversations.model import Attachment, Conversation
from ai_pal.conversations.recorder import Recorder
from ai_pal.counted import counted
from ai_pal.errors import Code, fail
from ai_pal.protocol.content import Message

if TYPE_CHECKING:
    from ai_pal.cli.prompts.chat.offering import Better


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    arguments.add_arguments(parser)


class _Chat(NamedTuple):
    """All that one run of this command has to do with; `better` is to be fetched beside it."""

    args: argparse.Namespace
    terminal: Terminal
    session: Session
    recorder: Recorder
    conversation: Conversation
    wishes: Wishes
    attachments: list[Attachment]
    better: "Better | None" = None


def run(args: argparse.Namespace) -> int:
    """Answer, or converse until the user leaves."""
    terminal = Terminal.detect()
    number = arguments.settle_continue(args)
    settings = load_settings().settings
    examples = _apply_preset(args) if args.preset is not None else []
    talks = not args.prompt and terminal.stdin
    if talks and (args.json or args.jsonl):
        fail(Code.EMPTY_PROMPT, "--json and --jsonl need a prompt", 'ai-pal chat --json "Say hello"')
    _check_forms(args, talks)
    if args.no_wait and not talks:
        message = "--no-wait is for conversations: one question is answered by the model that was asked"
        fail(Code.BAD_REQUEST, message, "leave it out, or name another model")
    if talks and args.model:
        _check_model(args.model, settings)
    attachments = attached(args.attach, terminal)
    with closing(_recorder(args, settings)) as recorder, _session(args, settings) as session:
        conversation, wishes = _begin(args, recorder, number, settings)
        conversation.examples = examples
        if terminal.stdin and not session.is_among_mine(wishes):
            _ask_consent(wishes.model or settings.model, settings, terminal)
        better = _wanted(settings, terminal) if talks and not wishes.model else None
        chat = _Chat(args, terminal, session, recorder, conversation, wishes, attachments, better)
        return _talk(chat) if talks else _one_shot(chat)


def _check_forms(args: argparse.Namespace, talks: bool) -> None:
    """Raises `AiPalError` (`bad_request`) for options that nothing would come of."""
    arguments.check_output(args)
    if args.tools and talks:
        message = "--tools are for one question: in a conversation nothing runs what the model calls"
        fail(Code.BAD_REQUEST, message, 'ai-pal chat --tools FILE "What is the weather in Paris?"')
    if args.tool_choice is not None and not args.tools:
        fail(Code.BAD_REQUEST, "--tool-choice says nothing without tools", "add --tools FILE")


def _apply_preset(args: argparse.Namespace) -> list[Message]:
    """What it has go before the conversation."""
    from ai_pal.cli.prompts.presetting import apply, examples_of
    from ai_pal.config.presets import load_preset

    preset = load_preset(args.preset)
    apply(preset, args)
    return examples_of(preset)


def _check_model(model: str, settings: Settings) -> None:
    """A conversation with a model that nobody knows is none; one question is refused by whoever gets it."""
    from ai_pal.catalog.references.naming import check_model

    check_model(arguments.absolute_model(model), settings)


def _ask_consent(model: str, settings: Settings, terminal: Terminal) -> None:
    from ai_pal.cli.prompts.chat.consenting import ask_consent

    ask_consent(model, settings, terminal)


def _wanted(settings: Settings, terminal: Terminal) -> "Better | None":
    from ai_pal.cli.prompts.chat.offering import wanted

    return wanted(settings, terminal)


def _one_shot(chat: _Chat) -> int:
    from ai_pal.cli.prompts.chat.answer import add_answer
    from ai_pal.cli.prompts.chat.oneshot import one_shot, output_of

    args, conversation = chat.args, chat.conversation
    code = one_shot(
        chat.session,
        conversation.ask(prompt_of(args.prompt), chat.attachments),
        msgspec.structs.replace(chat.wishes, conversation=chat.recorder.mark_of(conversation)),
        chat.terminal,
        lambda answer: add_answer(conversation, answer),
        output=output_of(args),
        markdown=not args.no_markdown,
        hide_thinking=args.hide_thinking,
    )
    private, mine = chat.session.is_private(chat.wishes), chat.session.is_among_mine(chat.wishes)
    chat.recorder.keep(chat.conversation, chat.wishes.model, local_only=private, mine=mine)
    return code


def _talk(chat: _Chat) -> int:
    from ai_pal.cli.prompts.chat.talk import Talk

    return Talk(
        chat.session,
        chat.wishes,
        chat.terminal,
        chat.conversation,
        chat.recorder,
        markdown=not chat.args.no_markdown,
        hide_thinking=chat.args.hide_thinking,
        attachments=chat.attachments,
        wait=chat.args.wait,
        no_wait=chat.args.no_wait,
        better=chat.better,
    ).run()


def _begin(
    args: argparse.Namespace, recorder: Recorder, number: int | None, settings: Settings
) -> tuple[Conversation, Wishes]:
    """A new conversation, or a kept one with the model that was asked for in it."""
    wishes = arguments.wishes(args)
    if number is None:
        model = _model(wishes.model, args, settings)
        return Conversation(_system(args)), msgspec.structs.replace(wishes, model=model)
    head, conversation = recorder.take_up(number)
    if args.system is not None:
        conversation.system = _system(args)
    remark(f"goes on with {head.id}: {head.title} · {counted(head.messages, 'message')}")
    levels = {"local_only": wishes.local_only or head.local_only, "mine": wishes.mine or head.mine}
    model = _model(wishes.model or head.model, args, settings)
    return conversation, msgspec.structs.replace(wishes, model=model, **levels)


def _model(named: str, args: argparse.Namespace, settings: Settings) -> str:
    """The model that is asked for: an alias of a provider's as that, with the window that is wanted."""
    if named in settings.models:
        from ai_pal.catalog import meant

        named = meant(named, settings)
    return windowed(named, args.context, settings)


def _system(args: argparse.Namespace) -> str | None:
    return None if args.system is None else checked_argument(args.system)


def _recorder(args: argparse.Namespace, settings: Settings) -> Recorder:
    return Recorder(
        paths.store_file(),
        remark,
        writes=settings.history and not args.no_history,
        typed=paths.history_file(),
    )


def _session(args: argparse.Namespace, settings: Settings) -> Session:
    return Session(settings, own_supervisor=args.no_daemon, notify=remark)
