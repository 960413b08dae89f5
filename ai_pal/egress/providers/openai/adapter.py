"""OpenAI's chat completions through its SDK, and every server that speaks the same."""

import ssl
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any, Literal

import httpx2
import msgspec
import openai

from ai_pal.egress.providers.answers import figures
from ai_pal.egress.providers.answers.events import Event, Told, objects
from ai_pal.egress.providers.answers.likely import tokens_of
from ai_pal.egress.providers.answers.loose import call, calls_in, first, name, part, pieces, text, thoughts
from ai_pal.egress.providers.answers.pieces import AnswerEvent, CallPiece, Finish, Likely, Thought, Used
from ai_pal.egress.providers.answers.rewriting import Rewriting
from ai_pal.egress.providers.base import notices
from ai_pal.egress.providers.failures.taxonomy import of_status
from ai_pal.egress.providers.http.clients import Clients
from ai_pal.egress.providers.http.traffic import read_through
from ai_pal.egress.providers.openai import payload
from ai_pal.egress.providers.requests.learned import Learned
from ai_pal.egress.providers.requests.rules import Fitted, Rules, known
from ai_pal.egress.providers.requests.turns import shaped
from ai_pal.errors import Code, Failure
from ai_pal.protocol.content import FinishReason
from ai_pal.protocol.egress import Complete
from ai_pal.protocol.families import is_openais
from ai_pal.protocol.provider import OfferedModel, Provider
from ai_pal.protocol.usage import Usage

BASE_URL = "https://api.openai.com/v1"
NO_KEY = "none"
"""For servers without keys: the SDK wants one, and would take another provider's from the environment."""

STAYS_THERE = {"x-ai-pal-local-only": "1"}
"""What another machine of the user's is asked at its gateway, that one passes on to nobody."""

LENGTH = frozenset({"length", "max_output_tokens", "max_tokens", "model_length"})
WITHHELD = frozenset({"content_filter", "refusal"})
BROKEN = frozenset({"abort", "aborted", "error", "insufficient_system_resource"})
NO_REASON = frozenset({"", "none", "null"})
THOUGHTS = ("reasoning_content", "reasoning", "thinking", "reasoning_details")
"""What servers call what a model thinks; some send it under several of these names."""


class OpenAI:
    """See `base.Adapter`."""

    def __init__(self, provider: Provider, key: str, clients: Clients, learned: Learned) -> None:
        self._name, base_url = provider.name, provider.base_url or BASE_URL
        self._provider, self._learned = provider, learned
        self._own = not provider.base_url
        machine = provider.machine
        self._client = openai.AsyncOpenAI(
            api_key=key or NO_KEY,
            base_url=base_url,
            max_retries=0,
            http_client=clients.client(httpx2, base_url, machine.certificate if machine else ""),
            default_headers=STAYS_THERE if machine else None,
        )

    async def stream(self, request: Complete) -> AsyncGenerator[AnswerEvent, None]:
        reading = read_through(Rewriting(_shape))
        stream, fitted = await self._learned.ask(
            request,
            known("openai", request.model, own=self._own),
            lambda rules: payload.parameters(request, rules, own=self._is_openais(request)),
            lambda fitted, rules: self._begin(request, fitted, rules),
        )
        for notice in notices(request, fitted):
            yield notice
        usage, model = Usage(), ""
        finish: FinishReason | Literal[""] = ""
        async with stream:
            async for chunk in stream:
                choice = first(part(chunk, "choices"))
                for piece in _pieces(choice):
                    yield piece
                told, model = _usage(chunk, choice), name(part(chunk, "model")) or model
                if told != Usage():
                    usage = told
                    yield Used(usage)
                finish = self._reason(choice) or finish
                if finish:
                    yield Finish(finish, usage, model)
        if reading.ended and not finish:
            yield Finish("stop", usage, model)

    async def models(self) -> list[str]:
        names = [name(part(model, "id")) async for model in self._client.models.list()]
        return sorted(filter(None, names))

    async def about(self, models: Sequence[str]) -> dict[str, OfferedModel]:
        return {}

    def failure(self, error: Exception, model: str) -> Failure | None:
        if isinstance(error, openai.APIStatusError):
            response = error.response
            return of_status(self._name, model, error.status_code, response.headers, error.body)
        if self._provider.machine is not None and _is_of_certificate(error):
            what = f"{self._name} is not the machine that was added: its certificate is not the pinned one"
            hint = f"or has expired; if that is right: ai-pal machines remove {self._name}, and add it again"
            return Failure(Code.MACHINE_CHANGED, what, hint)
        return None

    async def _begin(self, request: Complete, fitted: Fitted, rules: Rules) -> Any:
        options, own = request.options, self._is_openais(request)
        messages = shaped(payload.with_word(request), rules.shapes)
        given = {
            **payload.tools(options),
            **payload.logprobs(options),
            **payload.response_format(options, own=own),
            **fitted.given,
        }
        others = {name: value for name, value in given.items() if name in payload.IN_BODY}
        return await self._client.chat.completions.create(
            model=request.model,
            messages=payload.turns(messages, own=own),
            stream=True,
            extra_body=others or None,
            **{name: value for name, value in given.items() if name not in others},
        )

    def _is_openais(self, request: Complete) -> bool:
        return self._own or is_openais(request.model)

    def _reason(self, choice: Any) -> FinishReason | Literal[""]:
        """Why the answer has ended, if it has. Raises `Told`."""
        told = part(choice, "finish_reason")
        reason = told.lower() if isinstance(told, str) else "stop" if told else ""
        if reason in NO_REASON:  # a whole answer is whole by itself
            return "stop" if part(choice, "message") and not part(choice, "delta") else ""
        if reason in WITHHELD:
            return "content_filter"
        if reason in BROKEN:
            raise Told(part(choice, "error") or {"message": f"finish_reason: {reason}"})
        return "length" if reason in LENGTH else "stop"


def _is_of_certificate(error: BaseException | None) -> bool:
    """Whether it goes back to a certificate that is not trusted."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _shape(event: Event) -> list[Event]:
    """Chunks, and whole answers. Raises `Told`."""
    found = objects(event, lambda value: bool(value.get("choices") or value.get("usage")))
    return [Event("", value) for value in found]


def _pieces(choice: Any) -> Iterator[str | Thought | CallPiece | Likely]:
    """What a choice says: of a chunk, of a whole answer, or of the older completions."""
    if likely := tokens_of(part(choice, "logprobs", "content")):
        yield Likely(likely)
    delta = part(choice, "delta") or part(choice, "message") or text(part(choice, "text"))
    thought = next(filter(None, (part(delta, name) for name in THOUGHTS)), None)
    yield from thoughts(thought)
    content = part(delta, "content") or text(part(delta, "refusal"))
    yield from pieces(content or text(delta) or text(part(delta, "text")))
    for one in [*calls_in(part(delta, "tool_calls")), *calls_in(part(delta, "function_call"))]:
        yield call(one)


def _usage(chunk: Any, choice: Any) -> Usage:
    """What a chunk tells of tokens. Some servers tell it in the choice, some leave what was thought out of
    what was said."""
    usage = part(chunk, "usage") or part(choice, "usage")
    told = figures.usage(
        part(usage, "prompt_tokens"),
        part(usage, "prompt_tokens_details", "cached_tokens"),
        part(usage, "completion_tokens"),
    )
    thought = figures.tokens(part(usage, "completion_tokens_details", "reasoning_tokens"))
    completion = told.completion_tokens + thought
    if thought and told.prompt_tokens + completion == figures.tokens(part(usage, "total_tokens")):
        return msgspec.structs.replace(told, completion_tokens=completion)
    return told
