"""What is asked, as far as it decides who answers."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from ai_pal.protocol.content import AnyPart, Audio, Image, Message, ToolCall, ToolResult
from ai_pal.protocol.options import GenerationOptions, Tool
from ai_pal.server.router.policy.candidate import Grade
from ai_pal.store.doubts import Opinion
from ai_pal.store.ledger import HARD

Goal = Literal["privacy", "cost", "latency", "quality", "balanced"]

SIMPLE = 0.3
"""Below it a prompt is for this machine."""

ANSWER_TOKENS = 400
"""How long an answer is expected to be where no limit says less."""

NO_OPTIONS = GenerationOptions()

BYTES_PER_TOKEN = 3
"""Rather too many tokens than too few: English has about four bytes in one."""


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """`score` is the complexity from 0 to 1. `max_cost` (this answer) and `left` (of the budgets) are US
    dollars, None for no limit; `unaccounted` is why nobody knows what is left; `whose` is the principal whose
    own budget has the least left. `named`: the user said who is to answer, so nothing but that is planned.
    `only` holds patterns of the names of who may be asked; none is everybody. `doubts`: this machine's model
    knows when it is not sure, and another may be asked then; `stronger`: it has been doubted already;
    `opinion` is what people hold of its answers to such prompts. `mine`: nothing may leave the user's own
    machines. Of the `prompt_tokens`, `kept_tokens` stay whatever is left out of the conversation."""

    score: float = 0.0
    goal: Goal = "balanced"
    prompt_tokens: int = 0
    kept_tokens: int = 0
    answer_tokens: int = ANSWER_TOKENS
    local_only: bool = False
    max_cost: float | None = None
    left: float | None = None
    unaccounted: str = ""
    fallback: bool = True
    named: bool = False
    only: tuple[str, ...] = ()
    whose: str = ""
    doubts: bool = False
    stronger: bool = False
    opinion: Opinion = ""
    mine: bool = False

    @property
    def private(self) -> bool:
        """Nothing may leave this machine."""
        return self.local_only or self.goal == "privacy"

    @property
    def grades(self) -> tuple[Grade, ...]:
        """The kinds of cloud models that are considered, the best suited first."""
        wants_strong = self.score > HARD or self.goal == "quality" or self.stronger
        return (Grade.STRONG, Grade.MID) if wants_strong else (Grade.MID,)


IMAGE_TOKENS, SECOND_OF_AUDIO, AUDIO_BYTES = 1000, 25, 32_000
"""About what a picture takes, whatever its size, and a second of sound (16 bits, 16 kHz)."""


def tokens_in(messages: list[Message], options: GenerationOptions = NO_OPTIONS) -> int:
    """About how many tokens a conversation has, tools included; never asks a tokenizer, never too few for
    usual text."""
    tools = sum(map(_of_tool, options.tools))
    return tools + sum(4 + _of_content(message.content) for message in messages)


def kept_in(messages: list[Message], options: GenerationOptions = NO_OPTIONS) -> int:
    """About how many of them stay where the oldest turns are left out (`workers.context_window`): the system
    messages', the tools' and the last turn's; all of them where nothing may be left out."""
    if options.trim is False:
        return tokens_in(messages, options)
    first = next((at for at, one in enumerate(messages) if one.role != "system"), len(messages))
    last = next((at for at in range(len(messages) - 1, first, -1) if messages[at].role == "user"), first)
    return tokens_in([*messages[:first], *messages[last:]], options)


def _of_content(content: str | Sequence[AnyPart]) -> int:
    return _of_text(content) if isinstance(content, str) else sum(map(_of_part, content))


def _of_part(part: AnyPart) -> int:
    match part:
        case Image():
            return IMAGE_TOKENS
        case Audio():
            return SECOND_OF_AUDIO * (1 + len(part.data) // AUDIO_BYTES)
        case ToolCall():
            return _of_text(part.name) + _of_text(part.arguments)
        case ToolResult():
            return _of_content(part.content)
        case _:
            return _of_text(part.text)


def _of_tool(tool: Tool) -> int:
    return 8 + _of_text(f"{tool.name}{tool.description}") + len(msgspec.json.encode(tool.parameters)) // 3


def _of_text(text: str) -> int:
    return -(-len(text.encode()) // BYTES_PER_TOKEN)
