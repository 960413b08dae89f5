"""Which turns of a conversation go into the model's window. Pure, and the same for the same conversation.

When a conversation no longer fits, its oldest turns go until 70 % of the window is left. The rule is
replayed over the whole conversation each time, so that a later turn drops the same turns again: the
kept prefix stays as it was, and with it the engine's prompt cache.
"""

from collections.abc import Sequence
from typing import NoReturn, Protocol

import msgspec

from ai_pal.counted import counted
from ai_pal.errors import Code, fail
from ai_pal.protocol.content import Audio, Image, Message, ToolCall
from ai_pal.protocol.frames import attachments
from ai_pal.protocol.options import GenerationOptions

TARGET = 0.70
LARGEST_ROOM = 4
"""At most one part in this many of the window is kept free for the answer."""
USUAL_ROOM = 8
"""Without `max_tokens`, one part in this many is kept free."""
NEAR = 0.9
"""From this part of the limit on, the rendered conversation is counted as a whole."""


class Counter(Protocol):
    """Counts tokens as the model's own tokenizer and template make them."""

    fixed: int
    """Tokens that the template adds to any conversation, at most."""
    per_message: int
    """Tokens that the template adds to each message, at most."""

    def content(self, text: str) -> int:
        """Tokens of one message's text."""

    def attachment(self, part: Image | Audio) -> int:
        """Tokens that a picture or a sound is to the model. Raises `AiPalError` where it is none."""

    def conversation(self, messages: Sequence[Message]) -> int:
        """Tokens of the rendered conversation, exactly."""


class Fitted(msgspec.Struct, frozen=True):
    """The messages to send, how many turns (a question with its answer) were left out, and an
    upper bound of the prompt's tokens."""

    messages: list[Message]
    dropped: int
    tokens: int


def answer_room(options: GenerationOptions, window: int) -> int:
    """Tokens to keep free for the answer."""
    usual = window // USUAL_ROOM
    wanted = usual if options.max_tokens is None else max(1, options.max_tokens)
    return min(wanted, window // LARGEST_ROOM)


def fit(
    messages: list[Message],
    counter: Counter,
    window: int,
    room: int,
    trained: int = 0,
    *,
    trims: bool | None = None,
) -> Fitted:
    """Fit the conversation into `window` tokens with `room` to spare, by a model that was `trained` for so
    many (0: nobody knows); as it is, where it `trims` nothing. Raises `AiPalError` (`prompt_too_large`)."""
    fitted = shortened(messages, counter, window, room, trims=trims)
    if fitted.tokens >= window:
        what = "with what is attached, the prompt" if any(attachments(fitted.messages)) else "the prompt"
        has = f"{what} has {counted(fitted.tokens, 'token')}"
        too_large(f"{has}, the model's window holds {window}", window, trained)
    return fitted


def too_large(message: str, window: int, trained: int) -> NoReturn:
    """Refuse what does not fit. A window can be made larger up to what the model was `trained` for."""
    larger = "load the model with a larger `context`"
    if trained and window >= trained:
        larger = f"ask another model: this one was made for {trained} tokens"
    fail(Code.PROMPT_TOO_LARGE, message, f"shorten the prompt, or {larger}")


def shortened(
    messages: list[Message], counter: Counter, window: int, room: int, *, trims: bool | None = None
) -> Fitted:
    """The conversation without the turns that do not fit, or all of it where it `trims` nothing; the last one
    stays, and may use up the room for the answer, or be larger than the window: then `tokens` are exact."""
    bound = upper_bound(messages, counter)
    if bound <= window - room:
        return Fitted(messages, 0, bound)
    if trims is False:
        return Fitted(messages, 0, counter.conversation(messages))
    system, turns = _turns(messages)
    costs = [[_cost(one, counter) for one in turn] for turn in turns]
    fixed = counter.fixed + sum(_cost(one, counter) for one in system)
    dropped = first_kept(costs, fixed, window - room, int(window * TARGET))
    tokens = fixed + sum(map(sum, costs[dropped:]))
    kept = _join(system, turns[dropped:])
    while tokens > (window - room) * NEAR:
        tokens = counter.conversation(kept)
        if tokens <= window - room or dropped >= len(turns) - 1:
            break
        dropped += 1
        kept = _join(system, turns[dropped:])
    return Fitted(kept, dropped, tokens)


def upper_bound(messages: Sequence[Message], counter: Counter) -> int:
    """No text has more tokens than bytes: cheap, and enough for most conversations."""
    return counter.fixed + sum(
        _bytes(said(one)) + _attached(one, counter) + counter.per_message for one in messages
    )


def said(message: Message) -> str:
    """All text of a message that may be part of the prompt: calls and results of tools, thoughts."""
    if isinstance(message.content, str):
        return message.content
    texts: list[str] = []
    for part in message.content:
        match part:
            case Image() | Audio():
                pass
            case ToolCall():
                texts += [part.name, part.arguments]
            case _:
                texts.append(part.text)
    return "".join(texts)


def _attached(message: Message, counter: Counter) -> int:
    return sum(map(counter.attachment, attachments([message])))


def _cost(message: Message, counter: Counter) -> int:
    return counter.content(said(message)) + _attached(message, counter) + counter.per_message


def first_kept(turns: Sequence[Sequence[int]], fixed: int, limit: int, target: int) -> int:
    """The first turn that stays, given each turn's token costs per message, the question first.

    Goes through the conversation as it grew: whenever a question did not fit, the oldest turns went
    until `target` was left. The last turn always stays.
    """
    first, held = 0, fixed
    for index, costs in enumerate(turns):
        is_last = index == len(turns) - 1
        asked = sum(costs) if is_last else costs[0]
        if held + asked > limit:
            while first < index and held + asked > target:
                held -= sum(turns[first])
                first += 1
        held += sum(costs)
    return first


def _turns(messages: Sequence[Message]) -> tuple[list[Message], list[list[Message]]]:
    """The system messages in front, and the rest in turns that begin with a question each."""
    start = next((index for index, one in enumerate(messages) if one.role != "system"), len(messages))
    turns: list[list[Message]] = []
    for message in messages[start:]:
        if message.role == "user" or not turns:
            turns.append([])
        turns[-1].append(message)
    return list(messages[:start]), turns


def _join(system: list[Message], turns: Sequence[list[Message]]) -> list[Message]:
    return system + [message for turn in turns for message in turn]


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
