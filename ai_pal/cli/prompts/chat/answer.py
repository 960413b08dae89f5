"""One answer, put together from its events. No I/O."""

from typing import Any

import msgspec

from ai_pal.cli.terminal import failures
from ai_pal.client.parts import Parts
from ai_pal.conversations.model import Conversation, Figures
from ai_pal.errors import Failure, main_reason, worth_telling
from ai_pal.protocol.client import (
    AnyEvent,
    Cancelled,
    Done,
    Failed,
    Interrupted,
    Notice,
    Pulling,
    Started,
)
from ai_pal.protocol.content import Alternative, Text, TokenLogprob
from ai_pal.protocol.usage import Timings, Usage

Terminal = Done | Failed | Interrupted | Cancelled


class ShownAnswer:
    """What has come of an answer so far; `end` is its last event, None while it runs. `download` are the
    bytes of its model, when that was not here, `ended_by` is the signal that ended the program meanwhile."""

    def __init__(self) -> None:
        self.started: Started | None = None
        self.notices: list[Notice] = []
        self.end: Terminal | None = None
        self.download = self.ended_by = 0
        self.parts = Parts()

    def add(self, event: AnyEvent) -> None:
        """Take the next event of the stream."""
        self.parts.take(event)
        match event:
            case Pulling():
                self.download = event.total
            case Started():
                self.started = event
            case Notice():
                self.notices.append(event)
            case Done() | Failed() | Interrupted() | Cancelled():
                self.end = event

    @property
    def text(self) -> str:
        """What it says, without thoughts and tool calls."""
        return self.parts.text

    @property
    def committed(self) -> bool:
        """Whether something of it has come that another answer would contradict."""
        return self.parts.committed

    @property
    def usage(self) -> Usage:
        return Usage() if self.end is None else self.end.usage

    @property
    def timings(self) -> Timings:
        return Timings() if self.end is None or isinstance(self.end, Failed) else self.end.timings

    @property
    def cost(self) -> float | None:
        """US dollars; None: nobody knows."""
        return 0.0 if self.end is None else self.end.cost

    @property
    def doubt(self) -> float | None:
        """How much a model of this machine doubted its answer, from 0 to 1; None: it was not watched."""
        return self.end.doubt if isinstance(self.end, Done) else None

    @property
    def failures(self) -> list[Failure]:
        """Why there is no answer, or only its beginning; empty when all went well."""
        match self.end:
            case Failed():
                return self.end.reasons
            case Interrupted():
                return [self.end.reason]
        return []

    @property
    def told_failures(self) -> list[Failure]:
        """Those worth a line."""
        return worth_telling(self.failures)

    @property
    def finish_reason(self) -> str:
        """ "stop", "length", "cancelled", "interrupted" or "failed"."""
        match self.end:
            case Done():
                return self.end.finish_reason
            case Cancelled():
                return "cancelled"
            case Interrupted():
                return "interrupted"
        return "failed"

    @property
    def went_round(self) -> bool:
        """Whether it was stopped because it said the same over and over: more room would not have helped."""
        return any(notice.kind == "repeats" for notice in self.notices)

    @property
    def exit_code(self) -> int:
        """The exit code of a command that ended with this answer."""
        match self.end:
            case Done():
                return failures.OK
            case Cancelled():
                return failures.CTRL_C
            case Interrupted():
                return failures.INTERRUPTED
            case Failed(reasons=[_, *_] as reasons):
                return failures.exit_code(main_reason(reasons).code)
        return failures.FAILED

    def as_object(self) -> dict[str, Any]:
        """The answer as one JSON object (`--json`)."""
        started = self.started
        return {
            "text": self.text,
            "thinking": self.parts.reasoning,
            "tool_calls": self.parts.tool_calls,
            "logprobs": [as_token(token) for token in self.parts.logprobs],
            "model": started.model if started else None,
            "provider": started.provider if started else None,
            "tier": started.tier if started else None,
            "why": started.why if started else None,
            "score": started.score if started else None,
            "remote": started.remote if started else None,
            "doubt": self.doubt,
            "cost": self.cost,
            "finish_reason": self.finish_reason,
            "usage": _all_fields(self.usage),
            "timings": _all_fields(self.timings),
            "notices": [{"kind": notice.kind, "reason": notice.reason} for notice in self.notices],
            "reasons": self.failures,
        }


def as_token(token: TokenLogprob | Alternative) -> dict[str, Any]:
    """A token as JSON; one that is only a piece of a character has the number of each byte as well."""
    text = token.data.decode("utf-8", "replace")
    shown: dict[str, Any] = {"token": text, "logprob": token.logprob, "id": token.id, "bytes": [*token.data]}
    if isinstance(token, TokenLogprob):
        shown["top"] = [as_token(one) for one in token.top]
    return shown


def _all_fields(value: Usage | Timings) -> dict[str, Any]:
    return msgspec.structs.asdict(value)


def add_answer(conversation: Conversation, answer: ShownAnswer, stands_for: str = "") -> None:
    """Put what has come of an answer into the conversation, with who gave it, and in whose place."""
    stopped = answer.finish_reason in ("cancelled", "interrupted")
    by = answer.started or Started(0, 0, "", "")
    conversation.answered(
        answer.text,
        by.model,
        interrupted=stopped,
        tier=by.tier,
        provider=by.provider,
        remote=by.remote,
        usage=answer.usage,
        stands_for=stands_for,
        beside=[part for part in answer.parts.parts if not isinstance(part, Text)],
        figures=Figures(
            answer.cost,
            answer.timings.first_token,
            answer.timings.tokens_per_second,
            why=by.why,
            doubt=answer.doubt,
            unsure="; ".join(notice.reason for notice in answer.notices if notice.kind == "unsure"),
        ),
    )
