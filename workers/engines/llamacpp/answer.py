"""One answer of llama.cpp: its chunks turned into reports."""

from collections.abc import Iterable
from typing import Any, Literal

from ai_pal.errors import Code, Failure
from ai_pal.protocol.content import FinishReason, PartKind
from ai_pal.protocol.usage import Usage
from workers.engines.bare_calls import BareCalls
from workers.engines.base import OpenPart, Sink
from workers.engines.llamacpp.calls import ForcedCalls, new_call
from workers.engines.llamacpp.choice import Choice, Decided
from workers.engines.llamacpp.failures import failure_of
from workers.engines.llamacpp.probabilities import Probabilities
from workers.engines.llamacpp.thoughts import InChannels, Thoughts
from workers.engines.llamacpp.trial import NO_NUMBER
from workers.engines.thought_ends import ThoughtEnds
from workers.engines.transformers.parts.parts import Parts, Piece
from workers.engines.transformers.parts.text import Stops
from workers.structured.watch import Watch

NOT_HELD = Failure(
    Code.UNSUPPORTED,
    "llama.cpp did not hold the answer to its form: its own compiler does not know all of it",
    "say the schema in another way, or ask a model that transformers computes",
)


class Generation:
    """Told of each chunk; `cancelled` is set from the worker's loop."""

    def __init__(self, key: int, sink: Sink) -> None:
        self.key = key
        self.cancelled = False
        self.stopped = False
        self.tokens = 0
        self.finish_reason: FinishReason | Literal[""] = ""
        self.failure: Failure | None = None
        self.forced = False
        self._thoughts: Thoughts | InChannels | None = None
        self._bare: BareCalls | None = None
        self._cut: Parts | None = None
        self._is_single = self._has_called = False
        self._sink = sink
        self._stops, self._prefill = Stops([]), ""
        self._calls: ForcedCalls | None = None
        self._watch: Watch | None = None
        self._choice: Choice | None = None
        self._ends: ThoughtEnds | None = None
        self._parts: dict[tuple[str, int], OpenPart] = {}
        self._told = 0
        self._blank = ""
        """Blanks behind a thought, which are its own only if it goes on."""
        self._is_behind_thought = self._has_begun = False
        self._probabilities = Probabilities()
        self._kept_before: int | None = None
        """Tokens of the prompt that were kept before a probe had read it."""
        self._prompt = self._cached = self._guessed = self._right = 0
        self._probe_seconds = self._prefill_seconds = self._decode_seconds = 0.0

    @property
    def prompt_tokens(self) -> int:
        return self._prompt

    def configure(
        self,
        *,
        stops: list[str],
        prefill: str,
        alternatives: int | None,
        calls: str = "",
        form: str = "",
        opened: bool = False,
        thoughts: Thoughts | InChannels | None = None,
        bare: BareCalls | None = None,
        cut: Parts | None = None,
        single: bool = False,
        end: str = "",
        watch: bool = False,
    ) -> None:
        """What the request turned out to ask for, before the first chunk. `stops` are looked for in the text
        of the answer, `calls` and `form` are the grammars that llama.cpp has to hold it to, as calls or as a
        text: with both, it is one of these; `bare` finds out whether free text is calls, and `prefill` is
        what it begins with. `alternatives` None tells of no probabilities; with `watch` the sink hears
        what they come to. `opened`: the prompt has begun a thought; `end` is the mark of its end where that
        is, or may be, set for the model; `thoughts` tells thoughts from the answer where llama.cpp does not,
        and `cut` its calls too: with `single` it ends behind the first."""
        self._choice = Choice(calls, form) if calls and form else None
        self._watch = Watch(calls or form) if bool(calls) != bool(form) else None
        self._is_behind_thought = opened
        self._thoughts = thoughts
        self._bare = bare
        self._cut, self._is_single = cut, single
        self._ends = ThoughtEnds(end) if end else None
        self._stops, self._prefill = Stops(stops), prefill
        self._probabilities = Probabilities(alternatives, watch=watch)
        self.forced = bool(calls) and not form

    def begin_behind(self, entropy: float, cached: int, seconds: float) -> None:
        """A probe has read the prompt: what it found kept, and the time it took, are this answer's."""
        self._kept_before, self._probe_seconds = cached, seconds
        self._sink.probed(self.key, entropy)

    def take(self, chunk: dict[str, Any]) -> None:
        """Report what the chunk brings."""
        self._sink.step()
        if "error" in chunk:
            self.failure = failure_of(chunk["error"])
            return
        timings = chunk.get("timings", {})
        self.tokens = max(self.tokens, timings.get("predicted_n", 0))
        self._guessed = max(self._guessed, timings.get("draft_n", 0))
        self._right = max(self._right, timings.get("draft_n_accepted", 0))
        # Behind a stop text no more is told.
        self._prefill_seconds = timings.get("prompt_ms", self._prefill_seconds * 1e3) / 1e3
        self._decode_seconds = timings.get("predicted_ms", self._decode_seconds * 1e3) / 1e3
        for choice in chunk["choices"]:
            if not self._probabilities.take(choice.get("logprobs"), self.tokens):
                self.failure = NO_NUMBER
            self._delta(choice.get("delta") or {"content": choice.get("text")})
            self.finish_reason = choice["finish_reason"] or self.finish_reason
        if "prompt_progress" in chunk:
            progress = chunk["prompt_progress"]
            self._prompt, self._cached = progress["total"], progress["cache"]
            self._sink.reading(self.key, progress["processed"], self._prompt)
        if "usage" in chunk:
            self._finish(chunk["usage"])

    def _delta(self, delta: dict[str, Any]) -> None:
        if thought := delta.get("reasoning_content"):
            self._thoughts = None  # it is told after all
            self._thought(thought)
        if text := delta.get("content"):
            if self._cut is not None:
                self._take_pieces(self._cut, self._begun(self._cut) + self._cut.feed(text))
            else:
                self._said([("text", text)] if self._thoughts is None else self._thoughts.push(text))
        for call in delta.get("tool_calls") or ():
            self._settle_as_text()
            function = call.get("function", {})
            part = self._part("tool_call", call["index"], call.get("id") or "", function.get("name") or "")
            self._report(part, function.get("arguments") or "")

    def _begun(self, cut: Parts) -> list[Piece]:
        """What the answer was given to begin with, which may be the beginning of anything."""
        prefill, self._prefill = self._prefill, ""
        return cut.feed(prefill) if prefill else []

    def _take_pieces(self, cut: Parts, pieces: Iterable[Piece]) -> None:
        for one, text in pieces:
            if one.kind == "tool_call":
                self._settle_as_text()
                self._report(self._part("tool_call", one.place, one.call, one.name), text)
            else:
                self._said([(one.kind, text)])
        if self._is_single and cut.complete:
            self.finish_reason, self._has_called = "stop", True

    def _said(self, pieces: Iterable[tuple[PartKind, str]]) -> None:
        for kind, text in pieces:
            if kind == "text":
                self._text(text)
            else:
                self._thought(text)

    def _thought(self, text: str) -> None:
        """Blanks around a thought belong to its tags."""
        part = self._parts.get(("reasoning", 0))
        text = self._blank + text if part is not None else text.lstrip()
        kept = text.rstrip()
        self._blank, self._is_behind_thought = text[len(kept) :], True
        if kept:
            self._report(self._part("reasoning"), kept)

    def _text(self, text: str) -> None:
        text = text if self._ends is None else self._ends.push(text)
        if self._is_behind_thought and not self._has_begun:
            text = text.lstrip()
            if not text:
                return
        self._has_begun = True
        if self._choice is not None:
            if decided := self._choice.push(text):
                self._decide(decided)
            else:
                self._report(self._part("text"), "")  # a sign of life
        elif self._watch is not None and not self._watch.take(text):
            self.failure = NOT_HELD
        else:
            self._tell(text)

    def _decide(self, decided: Decided) -> None:
        self._choice, self._watch, self.forced = None, decided.watch, decided.are_calls
        if decided.watch is None:
            self.failure = NOT_HELD
        else:
            self._tell(decided.text)

    def _tell(self, text: str) -> None:
        """What may be told of the answer itself."""
        if self.forced:
            if self._calls is None:
                self._calls = ForcedCalls(len(self._parts))
            for part, piece in self._calls.push(text):
                self._report(part, piece)
            return
        text = self._stops.push(text)
        if self._bare is not None:
            text = self._bare.push(text)
        if text or self._prefill or self._bare is not None:  # what is held back is a sign of life
            self._report(self._part("text"), text)
        if self._stops.found:
            self.finish_reason = "stop"

    @property
    def complete(self) -> bool:
        """A stop text was found, or the one call has come: the rest is not wanted."""
        return bool(self._stops.found) or self._has_called

    def _part(self, kind: PartKind, index: int = 0, call: str = "", name: str = "") -> OpenPart:
        part = self._parts.get((kind, index))
        if part is None:
            if kind == "tool_call" and self._prefill:  # it stands before all calls
                self._report(self._part("text"), "")
            call = call or (new_call() if kind == "tool_call" else "")
            part = self._parts[kind, index] = OpenPart(kind, len(self._parts), call, name)
        return part

    def _report(self, part: OpenPart, text: str) -> None:
        """`text` with the tokens that came since the last report; the prefill before the first text."""
        if self.cancelled:
            return
        if part.kind == "text" and self._prefill:
            self._sink.delta(self.key, self._prefill, 0, part)
            self._prefill = ""
        new, self._told = self.tokens - self._told, self.tokens
        entropies, logprobs = self._probabilities.watched(self.tokens)
        if entropies and part.kind != "reasoning":
            self._sink.watched(self.key, entropies, logprobs)
        if text or new or part.kind == "tool_call":
            self._sink.delta(self.key, text, new, part)
        if last := self._probabilities.of_last(self.tokens):
            self._sink.logprobs(self.key, last)

    def _finish(self, usage: dict[str, Any]) -> None:
        self._prompt = usage["prompt_tokens"]
        self._cached = usage.get("prompt_tokens_details", {}).get("cached_tokens", 0)
        if self._kept_before is not None:
            self._cached = min(self._cached, self._kept_before)
        self.tokens = max(self.tokens, usage.get("completion_tokens", 0))

    def end(self) -> None:
        """Report how it ended, after the last chunk."""
        usage = Usage(self._prompt, self._cached, self.tokens, self._guessed, self._right)
        reason = "length" if self.stopped else self.finish_reason
        called = False
        if reason and self.failure is None and not self.cancelled:
            called = self._rest(cut=reason == "length")
        if self.failure is not None:
            self._sink.failed(self.key, self.failure)
        elif self.cancelled:
            self._sink.cancelled(self.key, usage)
        elif reason:
            if called and reason == "stop":
                reason = "tool_calls"
            stop = self._stops.found if reason == "stop" else ""
            prefill = self._probe_seconds + self._prefill_seconds
            self._sink.done(self.key, reason, usage, prefill, self._decode_seconds, stop)
        else:
            self._sink.failed(self.key, Failure(Code.ENGINE_ERROR, "the answer broke off", retryable=True))

    def _rest(self, *, cut: bool) -> bool:
        """Text that was held back, for nothing or as calls. Whether tools are called."""
        self._said(self._thoughts.end() if self._thoughts is not None else ())
        if self._cut is not None:
            self._take_pieces(self._cut, self._begun(self._cut) + self._cut.end(cut=cut))
        if self._choice is not None:
            self._decide(self._choice.end(cut=cut))
        if self._watch is not None and not (cut or self._stops.found or self._watch.complete):
            self.failure = NOT_HELD
        if self._calls is not None:
            for part, piece in self._calls.end(cut=cut):
                self._report(part, piece)
            return True
        held = self._ends.end() if self._ends is not None else ""
        held = self._stops.push(held) + self._stops.end()
        if self._bare is not None:
            held = self._bare.push(held)
            if not held and not cut and (calls := self._bare.calls()):
                for index, call in enumerate(calls):
                    self._report(self._part("tool_call", index, "", call.name), call.arguments)
                return True
            held += self._bare.rest()
        if held or self._prefill:
            self._report(self._part("text"), held)
        return self._cut is not None and self._cut.calls > 0

    def _settle_as_text(self) -> None:
        """A call in the template's own form comes: what stands before it is text."""
        if self._bare is not None and (held := self._bare.rest()):
            self._report(self._part("text"), held)
        self._bare = None
