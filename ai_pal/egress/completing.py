"""One completion from its request to its one end: phases under their timeouts, its parts into the outbox."""

import asyncio
import uuid
from collections.abc import Sequence
from contextlib import aclosing

import msgspec

from ai_pal import privacy
from ai_pal.egress.attachments import Blob, filled
from ai_pal.egress.calls import Nameless
from ai_pal.egress.form import Form
from ai_pal.egress.naming import with_names
from ai_pal.egress.outbox import Outbox
from ai_pal.egress.parts import Parts, Piece
from ai_pal.egress.providers.answers.pieces import Content, Finish, Likely, Notice, Thought, Used, Waiting
from ai_pal.egress.providers.answers.unlike import of_reading
from ai_pal.egress.providers.base import Adapter, Adapters
from ai_pal.egress.providers.failures.taxonomy import failure, quoted
from ai_pal.egress.providers.http.traffic import Traffic, watching
from ai_pal.egress.providers.http.transport import of_transport, too_late
from ai_pal.egress.report import report
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol.content import TokenLogprob
from ai_pal.protocol.egress import (
    Complete,
    CompletionConnected,
    CompletionDelta,
    CompletionDone,
    CompletionFailed,
    CompletionLogprobs,
    CompletionNotice,
    CompletionSent,
    CompletionThinking,
    CompletionWaiting,
)
from ai_pal.protocol.options import GenerationOptions, NamedTool
from ai_pal.protocol.usage import Usage
from ai_pal.providers.abilities import lacking, unsupported

TRAILER_SECONDS = 2.0
"""After the last of the text only figures come; a provider that keeps them has answered all the same."""

THINKING_SECONDS = 1.0
"""Between two signs that the model thinks, where its provider keeps its thoughts to itself."""


class Completing:
    """See the module. Cancelling the task that runs it closes the connection."""

    def __init__(
        self, request: Complete, providers: Adapters, outbox: Outbox, blobs: Sequence[Blob] = ()
    ) -> None:
        self._request, self._providers, self._outbox, self._blobs = request, providers, outbox, blobs
        self._traffic = Traffic(self._connected, self._sent)
        self._parts = Parts(_new_id)
        self._form = Form(request.options.response_format)
        self._finish: Finish | None = None
        self._usage = Usage()
        self._thought = self._said = False
        self._tell_at = 0.0
        self._seq = 0
        self._likely: list[TokenLogprob] = []
        """Of tokens whose text comes next."""
        self._adapter: Adapter | None = None
        self._clock: asyncio.Timeout

    async def run(self) -> None:
        """Tell how it went, exactly once, unless it is cancelled."""
        try:
            end = await self._answer()
        except AiPalError as error:
            reason = error.failure
            if reason.code == Code.MODEL_NOT_FOUND and self._adapter is not None:
                reason = await with_names(reason, self._adapter, self._request)
            end = self._failed(reason)
        self._outbox.put(end)

    async def _answer(self) -> CompletionDone | CompletionFailed:
        # The supervisor has checked this; the process that goes out does not rely on it.
        request = privacy.admit(self._request, local_only=False)
        missing = lacking(request.provider, request.model, request.messages, request.options)
        if missing:
            raise AiPalError(unsupported(request.provider, request.model, missing))
        request = msgspec.structs.replace(request, messages=filled(request.messages, self._blobs))
        adapter = self._adapter = await self._providers.adapter(request.provider)
        self._clock = asyncio.timeout(self._request.connect)
        try:
            async with self._clock:
                await self._stream(adapter, request)
        except Exception as error:  # noqa: BLE001 - whatever an SDK raises ends this attempt only
            if self._finish is None:
                raise AiPalError(self._failure(adapter, error)) from None
        return self._end()

    async def _stream(self, adapter: Adapter, request: Complete) -> None:
        with watching(self._traffic):
            async with aclosing(adapter.stream(request)) as events:
                async for event in events:
                    match event:
                        case Finish():
                            self._finish = event
                            self._give(TRAILER_SECONDS)
                        case Used():
                            self._usage = event.usage
                        case Thought(text="", signature=""):
                            self._think_hidden()
                        case Likely():
                            self._likely += event.tokens
                        case Waiting():
                            self._wait(event)
                        case Notice():
                            self._outbox.put(CompletionNotice(self._request.key, event.kind, event.reason))
                        case _:
                            await self._take(event)

    async def _take(self, said: Content) -> None:
        pieces = self._parts.add(said)
        if not pieces:
            return
        self._traffic.used()
        for piece in pieces:
            self._put(piece)
        self._give(None)  # while the supervisor reads too slowly, the provider is not to blame
        await self._outbox.room(self._request.key)
        self._give_on()

    def _put(self, piece: Piece) -> None:
        if piece.kind == "reasoning":
            self._thought = True
        else:
            self._said = True
        likely: list[TokenLogprob] = []
        if piece.kind == "text":
            self._form.add(piece.text)
            likely, self._likely = self._likely, []
        count = max(1, len(likely))
        self._outbox.put(
            CompletionDelta(
                self._request.key,
                self._seq,
                count,
                piece.text,
                piece.kind,
                piece.index,
                piece.call,
                piece.name,
                piece.signature,
            )
        )
        if likely:
            self._outbox.put(CompletionLogprobs(self._request.key, self._seq, likely))
        self._seq += count

    def _wait(self, waiting: Waiting) -> None:
        if waiting.lives:
            self._give(self._request.first_token)
        self._outbox.put(CompletionWaiting(self._request.key, waiting.lives))

    def _think_hidden(self) -> None:
        """Thinking is no silence: the phase has its time again, and the supervisor hears of it."""
        self._traffic.used()
        self._thought = True
        self._give_on()
        now = asyncio.get_running_loop().time()
        if now >= self._tell_at:
            self._outbox.put(CompletionThinking(self._request.key))
            self._tell_at = now + THINKING_SECONDS

    def _give_on(self) -> None:
        """Something came: until the first content there is time for that, then the time between pieces."""
        self._give(self._request.gap if self._said else self._request.first_token)

    def _connected(self) -> None:
        self._outbox.put(CompletionConnected(self._request.key))
        self._give(self._request.first_token)

    def _sent(self) -> None:
        self._outbox.put(CompletionSent(self._request.key))
        self._give(self._request.first_token)

    def _give(self, seconds: float | None) -> None:
        """The present phase has this long."""
        now = asyncio.get_running_loop().time()
        self._clock.reschedule(None if seconds is None else now + seconds)

    def _end(self) -> CompletionDone | CompletionFailed:
        name, finish = self._request.provider.name, self._finish
        if finish is None:
            said = "" if self._said or self._thought else quoted(self._traffic.start)
            broken = failure(Code.STREAM_BROKEN, f"{name} ended the answer in the middle", detail=said)
            return self._failed(broken)
        if finish.usage != Usage():
            self._usage = finish.usage
        wrong = self._close()
        if wrong is not None:
            return self._failed(wrong)
        reason = "tool_calls" if finish.reason == "stop" and self._parts.calls else finish.reason
        model = finish.model or self._request.model
        return CompletionDone(self._request.key, self._seq, reason, self._usage, model)

    def _close(self) -> Failure | None:
        """What is wrong with an answer that has ended."""
        assert self._finish is not None
        name = self._request.provider.name
        try:
            for piece in self._parts.close(cut=self._finish.reason == "length"):
                self._put(piece)
        except Nameless:
            message = f"{name} called a tool and did not say which"
            return failure(Code.STREAM_BROKEN, message, "ask again", detail=quoted(self._traffic.start))
        if not self._said:
            return self._without_text(self._finish.reason)
        if self._parts.calls or self._finish.reason == "content_filter":
            return None
        if _has_to_call(self._request.options):
            message = f"{name} answered without calling a tool, which it had to"
            return failure(Code.PROVIDER_ERROR, message, "ask another, or let it choose: tool_choice auto")
        if self._finish.reason == "stop" and not self._form.kept:
            message = f"{name} was asked for JSON, and answered with what is none"
            return failure(Code.PROVIDER_ERROR, message, "ask again, or ask another")
        return None

    def _failed(self, reason: Failure) -> CompletionFailed:
        return CompletionFailed(self._request.key, self._providers.without_keys(reason), self._usage)

    def _without_text(self, reason: str) -> Failure:
        name = self._request.provider.name
        spent = self._usage.completion_tokens
        if reason == "content_filter":
            return failure(Code.PROVIDER_REFUSED, f"{name} withheld the answer")
        if reason == "length":
            on_what = "thinking" if self._thought else "no text"
            used = f"all of its {spent} tokens" if spent else "all of its tokens"
            message = f"{name} spent {used} on {on_what} (finish reason: length)"
            return failure(Code.LENGTH, message, "allow a longer answer: `max_tokens`")
        if self._thought:
            return failure(Code.EMPTY_ANSWER, f"{name} thought about it, and then said nothing", "ask again")
        said = "" if spent else quoted(self._traffic.start)
        return failure(Code.EMPTY_ANSWER, f"{name} answered with nothing", detail=said)

    def _failure(self, adapter: Adapter, error: Exception) -> Failure:
        if isinstance(error, AiPalError):
            return error.failure
        if isinstance(error, TimeoutError) and self._clock.expired():
            return self._timed_out()
        provider, model = self._request.provider, self._request.model
        known = (
            of_reading(provider, model, error)
            or adapter.failure(error, model)
            or of_transport(provider.name, error, self._traffic)
        )
        if known.code == Code.INTERNAL:
            report(error)
        return known

    def _timed_out(self) -> Failure:
        request, name = self._request, self._request.provider.name
        if self._said:
            message = f"{name} stopped in the middle for {request.gap:g} s"
            return failure(Code.STREAM_STALLED, message, "ask again, or allow more: gap_timeout")
        seconds = request.first_token if self._traffic.left else request.connect
        return too_late(name, self._traffic, seconds)


def _has_to_call(options: GenerationOptions) -> bool:
    forced = options.tool_choice == "required" or isinstance(options.tool_choice, NamedTool)
    return bool(options.tools) and forced


def _new_id() -> str:
    return f"call_{uuid.uuid4().hex[:12]}"
