"""A machine as a provider of answers: asks its supervisor, which keeps the prompt where it is."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from ai_pal.client import AsyncClient
from ai_pal.client.async_stream import AsyncAnswerStream
from ai_pal.egress.providers.answers.pieces import (
    AnswerEvent,
    CallPiece,
    Finish,
    Likely,
    Notice,
    Thought,
    Used,
    Waiting,
)
from ai_pal.egress.providers.http.traffic import watched
from ai_pal.errors import AiPalError, Code, Failure, main_reason
from ai_pal.machines.connected import Connected
from ai_pal.protocol import client as wire
from ai_pal.protocol.egress import Complete
from ai_pal.protocol.provider import OfferedModel

SIGN_SECONDS = 1.0
"""Between two signs that the machine is at it, while nothing of the answer has come: well below the limit of
the connection, which the first of them ends."""


class OnMachine:
    """Implements `egress.providers.base.Adapter` over a connection to one machine."""

    def __init__(self, connected: Connected) -> None:
        self._connected = connected

    async def stream(self, request: Complete) -> AsyncGenerator[AnswerEvent, None]:
        connected = self._connected
        asked = asyncio.ensure_future(connected.client())
        try:
            while not asked.done():
                await asyncio.wait([asked], timeout=SIGN_SECONDS)
                if connected.greeted and not asked.done():
                    yield Waiting()
            client = asked.result()
        finally:
            asked.cancel()
        traffic = watched()
        traffic.leaves()
        answer = client.chat(
            request.messages,
            model=request.model,
            options=request.options,
            keep_alive=request.keep_alive,
            local_only=True,  # what is for that machine stays on it
            fallback=False,
        )
        traffic.is_out()
        likely = bool(request.options.logprobs)
        async with aclosing(_events(answer, connected, likely=likely)) as events:
            async for event in events:
                yield event

    async def models(self) -> list[str]:
        client: AsyncClient = await self._connected.client()
        return [model.name for model in await client.models(here=True) if model.purpose == "chat"]

    async def about(self, models: Sequence[str]) -> dict[str, OfferedModel]:
        return {}

    def failure(self, error: Exception, model: str) -> Failure | None:
        return None


async def _events(  # noqa: C901 - a line per event
    answer: AsyncAnswerStream, connected: Connected, *, likely: bool
) -> AsyncGenerator[AnswerEvent, None]:
    """The answer as adapters tell it, each text behind its probabilities where it has any (`likely`). Raises
    `AiPalError`."""
    name, model, held = connected.name, "", ""
    try:
        async for event in answer:
            if held and not isinstance(event, wire.Logprobs):
                yield held
                held = ""
            match event:
                case wire.Started():
                    model = event.model
                case wire.Delta(kind="reasoning"):
                    yield Thought(event.text, event.signature)
                case wire.Delta(kind="tool_call"):
                    yield CallPiece(event.index, event.call, event.name, event.text)
                case wire.Delta() if likely:
                    held = event.text
                case wire.Delta():
                    yield event.text
                case wire.Logprobs():
                    yield Likely(event.tokens)
                    if held:
                        yield held
                    held = ""
                case wire.Notice():
                    yield Notice(event.kind, event.reason)
                case wire.Queued() | wire.Loading() | wire.Reading() | wire.Pulling():
                    yield Waiting()
                case wire.Done():
                    yield Finish(event.finish_reason, event.usage, model)
                case wire.Failed():
                    yield Used(event.usage)
                    raise AiPalError(_told(name, main_reason(event.reasons)))
                case wire.Interrupted():
                    yield Used(event.usage)
                    raise AiPalError(_told(name, event.reason))
                case wire.Cancelled():
                    raise AiPalError(_told(name, Failure(Code.CANCELLED, "the answer was called off there")))
    except AiPalError as error:
        if error.code in (Code.SUPERVISOR_LOST, Code.SUPERVISOR_SILENT):
            raise AiPalError(connected.failure) from None
        raise


def _told(name: str, failure: Failure) -> Failure:
    """What the supervisor there says, as it is to be read here."""
    return Failure(
        failure.code,
        f"{name}: {failure.message}",
        failure.hint,
        failure.retryable,
        failure.retry_after,
        failure.detail,
    )
