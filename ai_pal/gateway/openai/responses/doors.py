"""OpenAI's responses: what each route reads, asks, writes and keeps."""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from ai_pal.attachments.waiting import Wait, wait_for
from ai_pal.client import AsyncClient
from ai_pal.client.answer import Answer
from ai_pal.client.asking import Asking
from ai_pal.errors import AiPalError
from ai_pal.gateway.asking import presets
from ai_pal.gateway.asking.account_lines import without_lines
from ai_pal.gateway.asking.answered_calls import never_answered
from ai_pal.gateway.asking.asked import Apart, Asked, Errand, Watched, chat
from ai_pal.gateway.asking.bound import Bound
from ai_pal.gateway.asking.earlier_calls import as_it_reads
from ai_pal.gateway.asking.privacy_level import PrivacyLevel
from ai_pal.gateway.openai.responses import items, request
from ai_pal.gateway.openai.responses.answer import ResponseStream, Wishes
from ai_pal.gateway.openai.responses.background import Background, Running, Verbatim
from ai_pal.gateway.openai.responses.echo import echo
from ai_pal.gateway.openai.responses.kept import Kept, Response
from ai_pal.gateway.openai.responses.underway import Underway
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.gateway.wire.figures import whole_number
from ai_pal.protocol.content import Message

COUNTS = ("model", "tools", "tool_choice", "thinking", "response_format", "trim")
"""What of a request changes how many tokens it has."""

MOST_ITEMS = 100
"""In one page of a list."""

FROM_THE_FIRST = -1
"""The number of the event that none goes before."""

USUAL: dict[str, dict[str, Any]] = {
    "output_text": {"annotations": [], "logprobs": []},
    "input_image": {"detail": "auto", "file_id": None},
}
"""What a listed part has that a client may leave out."""

Page = Mapping[str, str]


class Responses:
    """The routes, and the responses that they share. `owner` is the name of the key that asks, empty for
    nobody's: what one key has asked is not there for another."""

    def __init__(self, kept: Kept) -> None:
        self._kept, self._background = kept, Background(Underway(kept))

    def create(self, body: bytes, owner: str) -> Asked | Apart | Errand | Watched:
        """POST /v1/responses. Raises `AiPalError`."""
        asked = self._storing(request.read(body))
        given, turns, level = self._said(asked, owner)
        how = request.how(asked)
        ask = as_it_reads(lambda said: chat(said, how), _behind(asked.instructions, turns), how)
        begin = Bound(ask, how, level)
        name = f"resp_{secrets.token_hex(12)}"

        def keep(response: dict[str, Any], answer: Message) -> None:
            whole = (*turns, answer) if answer.content else turns
            self._kept.put(Response(response, _told(given, name), whole, begin.level), owner)

        wish = asked.reasoning or request.ReasoningWish()
        summary = bool(wish.summary or wish.generate_summary)
        stores = asked.store is not False
        sealed = request.ENCRYPTED in (asked.include or []) or not stores
        wishes = Wishes(summary, sealed, request.wants_logprobs(asked))
        writer = ResponseStream(name, asked.model, echo(asked), wishes, keep if stores else _forget)
        if not turns:
            return _nothing(writer, stream=bool(asked.stream))
        if asked.background:
            own = _told(given, name)

            def start(client: AsyncClient, said: Asking) -> Running:
                return self._background.start(name, owner, lambda: begin(client, said), writer, own)

            return _apart(start, stream=bool(asked.stream))
        return Asked(begin, bool(asked.stream), writer)

    def count(self, body: bytes, owner: str) -> Errand:
        """POST /v1/responses/input_tokens: how many tokens a response would be asked with. Raises
        `AiPalError`."""
        asked = request.read(body)
        turns = _behind(asked.instructions, self._said(asked, owner)[1])
        counting: dict[str, Any] = {
            name: value for name, value in request.how(asked).items() if name in COUNTS
        }

        async def carry_out(client: AsyncClient) -> bytes:
            said, how = presets.of_count(client, turns, counting)
            tokens = int(await client.count_tokens(said, **how)) if said else 0
            return msgspec.json.encode({"object": "response.input_tokens", "input_tokens": tokens})

        return Errand(carry_out, reads=asked.model or "")

    def _said(
        self, asked: request.ResponsesBody, owner: str
    ) -> tuple[list[dict[str, Any]], tuple[Message, ...], PrivacyLevel]:
        """Its own items, all turns up to their end, and how far what is kept of them may go. Raises
        `BodyError`."""
        before = self._before(asked.previous_response_id, owner)
        level = before.level if before else PrivacyLevel()

        def of_output(name: str) -> dict[str, Any] | None:
            nonlocal level
            wait_for(Wait.FILE)
            found = self._kept.item(name, owner)
            if found is None:
                return None
            level |= found.level
            return found.item

        said = [] if isinstance(asked.input, msgspec.UnsetType) else asked.input
        given = items.listed(said, of_output)
        turns = (*(before.turns if before else ()), *items.conversation(given))
        if call := never_answered(turns):
            raise BodyError(f"no output of the call {call!r} is sent", "input", "send a function_call_output")
        return given, turns, level

    async def retrieve(self, _: AsyncClient, said: Page, owner: str) -> bytes | Watched:
        """GET /v1/responses/{id}; what was asked in the background also as a stream. Raises `AiPalError`."""
        found = await self._background.get(said["id"], owner)
        response = found.response if found else (await self._get(said["id"], owner)).response
        _check_included(said)
        stream = _whether("stream", said)
        _whether("include_obfuscation", said)
        after = whole_number(said.get("starting_after", "0"))
        if after is None or after < 0:
            raise BodyError("events have numbers, from 0 on", "starting_after")
        if stream:
            if found is None:
                raise BodyError("only what went on in the background is streamed again", "stream")
            first = after if "starting_after" in said else FROM_THE_FIRST
            return Watched(lambda *_: found.follow(first), Verbatim())
        if "starting_after" in said:
            raise BodyError("events are of a stream", "starting_after", "set stream")
        return msgspec.json.encode(response)

    async def delete(self, _: AsyncClient, said: Page, owner: str) -> bytes:
        """DELETE /v1/responses/{id}. Raises `AiPalError`."""
        if found := await self._background.get(said["id"], owner):
            await found.cancel()
        await asyncio.to_thread(self._kept.delete, said["id"], owner)
        self._background.forget(said["id"])
        return msgspec.json.encode({"id": said["id"], "object": "response", "deleted": True})

    async def cancel(self, _: AsyncClient, said: Page, owner: str) -> bytes:
        """POST /v1/responses/{id}/cancel: one in the background; what is over stays as it is. Raises
        `AiPalError`."""
        if found := await self._background.get(said["id"], owner):
            await found.cancel()
            return msgspec.json.encode(found.response)
        response = (await self._get(said["id"], owner)).response
        if response["background"]:
            return msgspec.json.encode(response)
        raise BodyError("only a response in the background can be cancelled", "id")

    async def input_items(self, _: AsyncClient, said: Page, owner: str) -> bytes:
        """GET /v1/responses/{id}/input_items, the latest first. Raises `AiPalError`."""
        found = await self._background.items(said["id"], owner)
        found = (await self._get(said["id"], owner)).items if found is None else found
        _check_included(said)
        if said.get("order", "desc") not in ("asc", "desc"):
            raise BodyError("the order is asc or desc", "order")
        if said.get("order", "desc") == "desc":
            found = found[::-1]
        if after := said.get("after"):
            names = [item["id"] for item in found]
            if after not in names:
                raise BodyError(f"there is no item {after!r}", "after")
            found = found[names.index(after) + 1 :]
        limit = whole_number(said.get("limit", "20"))
        if limit is None or not 1 <= limit <= MOST_ITEMS:
            raise BodyError(f"the limit is from 1 to {MOST_ITEMS}", "limit")
        page = found[:limit]
        ends = {"first_id": page[0]["id"] if page else "", "last_id": page[-1]["id"] if page else ""}
        more = len(page) < len(found)
        return msgspec.json.encode({"object": "list", "data": page, **ends, "has_more": more})

    def _storing(self, asked: request.ResponsesBody) -> request.ResponsesBody:
        """The same; where nothing is kept it says so, and to ask for that is a `BodyError`."""
        if self._kept.keeps:
            return asked
        for name in ("store", "background"):
            if getattr(asked, name):
                why = "this server keeps no responses"
                raise BodyError(why, name, "leave it out, or set http.keep_responses")
        return msgspec.structs.replace(asked, store=False)

    async def _get(self, name: str, owner: str) -> Response:
        """One that is kept, which may be large. Raises `AiPalError`."""
        return await asyncio.to_thread(self._kept.get, name, owner)

    def _before(self, name: str | None, owner: str) -> Response | None:
        if not name:
            return None
        wait_for(Wait.FILE)
        try:
            return self._kept.get(name, owner)
        except AiPalError as error:
            message, hint = error.failure.message, error.failure.hint
            raise BodyError(message, "previous_response_id", hint, "previous_response_not_found") from None


def _apart(start: Callable[[AsyncClient, Asking], Running], *, stream: bool) -> Apart | Watched:
    """What begins, and goes on in the background."""
    if stream:
        return Watched(lambda client, said: start(client, said).follow(FROM_THE_FIRST), Verbatim())
    return Apart(lambda client, said: msgspec.json.encode(start(client, said).response))


def _check_included(said: Page) -> None:
    """Raises `BodyError`; what there is of it stands in a response as it is kept."""
    lists = (said[name] for name in ("include", "include[]") if name in said)
    request.check_included(",".join(lists).split(",") if {"include", "include[]"} & said.keys() else [])


def _whether(name: str, said: Page) -> bool:
    """Raises `BodyError`."""
    if said.get(name, "false") not in ("true", "false"):
        raise BodyError("this is true or false", name)
    return said.get(name) == "true"


def _behind(instructions: str | None, turns: Sequence[Message]) -> list[Message]:
    return without_lines([*([Message("system", instructions)] if instructions else []), *turns])


def _forget(_: dict[str, Any], __: Message) -> None:
    pass


def _nothing(writer: ResponseStream, *, stream: bool) -> Errand:
    """An empty input asks nobody: Codex looks with one whether this route is there."""
    body = writer.nothing() if stream else writer.whole(Answer(finish_reason="stop"))

    async def carry_out(_: AsyncClient) -> bytes:
        return body

    return Errand(carry_out, writer.media_type if stream else "application/json")


def _told(given: Sequence[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The input as it is listed: each item with an id, and what is said in parts."""
    told = []
    for number, item in enumerate(given):
        content = item.get("content")
        if item["type"] == "message" and isinstance(content, str):
            kind = "output_text" if item["role"] == "assistant" else "input_text"
            content = [{"type": kind, "text": content}]
        own = {"id": item.get("id") or f"item_{name.removeprefix('resp_')}_{number}"}
        if content is not None:
            own["content"] = [{**USUAL.get(part["type"], {}), **part} for part in content]
        told.append({"status": "completed", **item, **own})
    return told
