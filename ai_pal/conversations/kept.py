"""Conversations as they are held, and as they are kept: one into the other. No I/O."""

from collections.abc import Sequence

from ai_pal.conversations.model import Conversation, Turn
from ai_pal.conversations.records import Kept, Message
from ai_pal.protocol.usage import Usage


def messages_of(turns: Sequence[Turn], now: float) -> list[Message]:
    """Two messages for each turn."""
    return [message for turn in turns for message in (_prompt(turn, now), _answer(turn, now))]


def conversation_of(kept: Kept) -> Conversation:
    """A kept conversation, ready to be gone on with."""
    conversation = Conversation(kept.system)
    prompts, answers = kept.messages[::2], kept.messages[1::2]
    conversation.turns = [_turn(prompt, answer) for prompt, answer in zip(prompts, answers, strict=False)]
    return conversation


def _prompt(turn: Turn, now: float) -> Message:
    return Message(role="user", content=turn.prompt, at=now, attachments=turn.attachments)


def _answer(turn: Turn, now: float) -> Message:
    return Message(
        role="assistant",
        content=turn.answer,
        at=now,
        tier=turn.tier,
        provider=turn.provider,
        model=turn.model,
        remote=turn.remote,
        prompt_tokens=turn.usage.prompt_tokens,
        completion_tokens=turn.usage.completion_tokens,
        interrupted=turn.interrupted,
        stands_for=turn.stands_for,
        beside=turn.beside,
        figures=turn.figures,
    )


def _turn(prompt: Message, answer: Message) -> Turn:
    return Turn(
        prompt.content,
        answer.content,
        answer.model,
        answer.interrupted,
        answer.tier,
        answer.provider,
        answer.remote,
        Usage(prompt_tokens=answer.prompt_tokens, completion_tokens=answer.completion_tokens),
        answer.stands_for,
        prompt.attachments,
        answer.beside,
        answer.figures,
    )
