"""Turns of a conversation as the page shows them: what was asked and answered, and who it was.
Pure, but for a look at the process that writes an answer."""

from collections.abc import Mapping
from typing import Any

from ai_pal.conversations.blocks import BlockSplitter
from ai_pal.conversations.kept import conversation_of
from ai_pal.conversations.model import Attachment, Prompt, Turn
from ai_pal.conversations.neutral import neutral, neutral_line
from ai_pal.conversations.receipts import LOCAL_TIER, place
from ai_pal.conversations.records import Head, Kept
from ai_pal.conversations.shelf import Variant
from ai_pal.gateway.page.markdown import block_parser
from ai_pal.gateway.page.writer import writes_elsewhere

Json = dict[str, Any]


def head_of(head: Head) -> Json:
    """An entry of the list."""
    return {
        "id": head.id,
        "title": neutral_line(head.title),
        "tree": head.tree,
        "updated": head.updated,
        "model": head.model,
        "answered": neutral_line(head.answered),
        "privacy": "local" if head.local_only else "mine" if head.mine else "any",
        "pinned": head.pinned,
        "tags": list(head.tags),
        "turns": head.messages // 2,
    }


def window(kept: Kept, variants: Mapping[int, Variant], before: int | None, count: int) -> Json:
    """The last `count` turns before this place, the end if there is none, with what holds for all."""
    turns = conversation_of(kept).turns
    end = len(turns) if before is None else max(0, min(before, len(turns)))
    begin = max(0, end - count)
    return {
        **head_of(kept.head),
        "system": kept.system and neutral(kept.system),
        "cost": _sum([turn.figures.cost for turn in turns]),
        "left": sum(turn.remote for turn in turns),
        "begin": begin,
        "shown": [turn_of(at, turns[at], variants.get(at)) for at in range(begin, end)],
    }


def turn_of(at: int, turn: Turn, variant: Variant | None = None) -> Json:
    """One turn; `at` is its place, `html` what is to become that: Markdown, by its blocks."""
    told = {**about_turn(at, turn), "html": blocks_of(turn.answer)}
    return {**told, "variant": list(variant)} if variant else told


def about_turn(at: int, turn: Turn) -> Json:
    """All of it but the answer."""
    return {
        "at": at,
        "prompt": neutral(turn.prompt),
        "files": [file_of(one) for one in turn.attachments],
        "thinking": neutral(turn.thinking),
        "calls": [[neutral_line(call.name), neutral(call.arguments)] for call in turn.tool_calls],
        "who": {
            "model": neutral_line(turn.model),
            "place": place(turn.tier, turn.provider, remote=turn.remote),
            "left": turn.remote,
            "here": turn.tier == LOCAL_TIER and not turn.remote,
            "why": neutral_line(turn.figures.why),
        },
        "interrupted": turn.interrupted,
        "comes": writes_elsewhere(turn.figures.written_by),
        "unsure": neutral_line(turn.figures.unsure),
        "figures": figures_of(turn),
    }


def asked_of(at: int, prompt: Prompt, conversation: int) -> Json:
    """What is answered, before there is a turn of it."""
    files = [file_of(one) for one in prompt.attachments]
    return {"at": at, "prompt": neutral(prompt.text), "files": files, "conversation": conversation}


def figures_of(turn: Turn) -> Json:
    """What it took."""
    took, used = turn.figures, turn.usage
    return {
        "prompt": used.prompt_tokens,
        "answer": used.completion_tokens,
        "first": took.first_token,
        "speed": took.tokens_per_second,
        "thought": took.thought,
        "cost": took.cost,
        "window": took.window,
        "doubt": took.doubt,
    }


def file_of(one: Attachment) -> Json:
    """A file that went with a prompt, without its bytes."""
    return {"name": neutral_line(one.name), "about": neutral_line(one.about), "kind": type(one.part).__name__}


def blocks_of(answer: str) -> list[str]:
    """The blocks of an answer: Markdown, yet to be rendered."""
    splitter = BlockSplitter(block_parser())
    blocks = splitter.feed(neutral(answer))
    return [block for block in (*blocks, splitter.rest) if block.strip()]


def _sum(costs: list[float | None]) -> float | None:
    return None if None in costs else sum(cost or 0.0 for cost in costs)
