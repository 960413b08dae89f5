"""One completion from its request to its one end: phases under their timeouts, text into the outbox."""

import asyncio
import os
from contextlib import aclosing

from ai_pal import privacy
from ai_pal.egress.naming import with_names
from ai_pal.egress.outbox import Outbox
from ai_pal.egress.providers import Providers
from ai_pal.egress.providers.answer import Finish, Notice, Thought, Used, Waiting
from ai_pal.egress.providers.base import Adapter
from ai_pal.egress.providers.failures import failure, quoted
from ai_pal.egress.providers.http import Traffic, watching
from ai_pal.egress.providers.transport import of_transport, too_late
from ai_pal.egress.providers.unlike import of_reading
from ai_pal.egress.report import report
from ai_pal.egress.whole_text import WholeText
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.network.reasons import by_way_of
from ai_pal.protocol.egress import (
    Complete,
    CompletionConnected,
    CompletionDelta,
    CompletionDone,
    CompletionFailed,
    CompletionNotice,
    CompletionSent,
    CompletionThinking,
    CompletionWaiting,
    ListModels,
    ProviderModels,
)
from ai_pal.protocol.usage import Usage

TRAILER_SECONDS = 2.0
"""After the last of the text only figures come; a provider that keeps them has answered all the same."""

THINKING_SECONDS = 1.0
"""Between two signs that the model thinks."""


class Completing:
    """See the module. Cancelling the task that runs it closes the connection."""

    def __init__(self, request: Complete, providers: Providers, outbox: Outbox) -> None:
        self._request, self._providers, self._outbox = request, providers, outbox
        self._traffic = Traffic(self._connected, self._sent)
        self._text = WholeText()
        self._finish: Finish | None = None
        self._usage = Usage()
        self._thought, self._untold = False, 0
        self._tell_at = 0.0
        self._seq = 0
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
        if self._untold:
            self._tell_thinking()
        self._outbox.put(end)

    async def _answer(self) -> CompletionDone | CompletionFailed:
        # The supervisor has checked this; the process that goes out does not rely on it.
        privacy.admit(self._request, local_only=False)
        adapter = self._adapter = await self._providers.adapter(self._request.provider)
        self._clock = asyncio.timeout(self._request.connect)
        try:
            async with self._clock:
                await self._stream(adapter)
        except Exception as error:  # noqa: BLE001 - whatever an SDK raises ends this attempt only
            if self._finish is None:
                raise AiPalError(self._failure(adapter, error)) from None
        return self._end()

    async def _stream(self, adapter: Adapter) -> None:
        with watching(self._traffic):
            async with aclosing(adapter.stream(self._request)) as events:
                async for event in events:
                    match event:
                        case Finish():
                            self._finish = event
                            self._give(TRAILER_SECONDS)
                        case Used():
                            self._usage = event.usage
                        case Thought():
                            self._think(event)
                        case Waiting():
                            self._wait(event)
                        case Notice():
                            self._outbox.put(CompletionNotice(self._request.key, event.kind, event.reason))
                        case _:
                            await self._take(self._text.add(event))

    async def _take(self, text: str) -> None:
        if not text:
            return
        self._traffic.used()
        self._outbox.put(CompletionDelta(self._request.key, self._seq, 1, text))
        self._seq += 1
        self._give(None)  # while the supervisor reads too slowly, the provider is not to blame
        await self._outbox.room(self._request.key)
        self._give(self._request.gap)

    def _wait(self, waiting: Waiting) -> None:
        if waiting.lives:
            self._give(self._request.first_token)
        self._outbox.put(CompletionWaiting(self._request.key, waiting.lives))

    def _think(self, thought: Thought) -> None:
        """Thinking is no silence: the phase has its time again, and the supervisor hears of it."""
        self._traffic.used()
        self._thought = True
        self._untold += len(thought.text)
        self._give(self._request.gap if self._seq else self._request.first_token)
        if asyncio.get_running_loop().time() >= self._tell_at:
            self._tell_thinking()

    def _tell_thinking(self) -> None:
        self._outbox.put(CompletionThinking(self._request.key, self._untold))
        self._untold = 0
        self._tell_at = asyncio.get_running_loop().time() + THINKING_SECONDS

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
            said = "" if self._seq or self._thought else quoted(self._traffic.start)
            broken = failure(Code.STREAM_BROKEN, f"{name} ended the answer in the middle", detail=said)
            return self._failed(broken)
        if finish.usage != Usage():
            self._usage = finish.usage
        if not self._seq:
            return self._failed(self._without_text(finish.reason))
        model = finish.model or self._request.model
        return CompletionDone(self._request.key, self._seq, finish.reason, self._usage, model)

    def _failed(self, reason: Failure) -> CompletionFailed:
        return CompletionFailed(self._request.key, self._providers.without_keys(reason), self._usage)

    def _without_text(self, reason: str) -> Failure:
        name = self._request.provider.name
        spent = self._usage.completion_tokens
        if reason == "length":
            on_what = "thinking" if self._thought else "no text"
            used = f"all of its {spent} tokens" if spent else "all of its tokens"
            message = f"{name} spent {used} on {on_what} (finish reason: length)"
            return failure(Code.LENGTH, message, "allow a longer answer: --max-tokens")
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
        if self._seq:
            message = f"{name} stopped in the middle for {request.gap:g} s"
            return failure(Code.STREAM_STALLED, message, "ask again, or allow more: gap_timeout")
        seconds = request.first_token if self._traffic.left else request.connect
        return too_late(name, self._traffic, seconds)


async def list_models(request: ListModels, providers: Providers, outbox: Outbox) -> None:
    """Tell which models a provider has, or why it does not say."""
    name, traffic = request.provider.name, Traffic()
    try:
        adapter = await providers.adapter(request.provider)
        async with asyncio.timeout(request.timeout):
            with watching(traffic):
                outbox.put(ProviderModels(request.key, await adapter.models()))
        return
    except AiPalError as error:
        reason = error.failure
    except TimeoutError:
        code = Code.FIRST_TOKEN_TIMEOUT if traffic.left else Code.CONNECT_TIMEOUT
        way = by_way_of(traffic.url, os.environ)
        reason = failure(code, f"{name} did not list its models within {request.timeout:g} s{way}")
    except Exception as error:  # noqa: BLE001 - whatever an SDK raises is a failure of this attempt only
        reason = (
            of_reading(request.provider, "", error)
            or adapter.failure(error, "")
            or of_transport(name, error, traffic)
        )
    outbox.put(CompletionFailed(request.key, providers.without_keys(reason)))
