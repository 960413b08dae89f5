"""OpenAI's responses: what each route reads, asks, writes and keeps."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ai_pal.client import AsyncClient
from ai_pal.client.answer import Answer
from ai_pal.errors import AiPalError
from ai_pal.gateway.asked import Asked, Wanted, chat
from ai_pal.gateway.bodies import BodyError
from ai_pal.gateway.openai.responses import items, request
from ai_pal.gateway.openai.responses.answer import ResponseStream, Wishes
from ai_pal.gateway.openai.responses.echo import echo
from ai_pal.gateway.openai.responses.kept import Kept, Response
from ai_pal.protocol.content import Message

MOST_ITEMS = 100
"""In one page of a list."""

Page = Mapping[str, str]


class Responses:
    """The routes, and the responses that they share."""

    def __init__(self) -> None:
        self._kept = Kept()

    def create(self, body: bytes) -> Asked | Wanted:
        """POST /v1/responses. Raises `AiPalError`."""
        asked = request.read(body)
        before = self._before(asked.previous_response_id)
        given = items.listed(asked.input, self._kept.item)
        turns = (*(before.turns if before else ()), *items.conversation(given))
        size = 2 * len(body) + (before.size if before else 0)  # as items and as turns
        name = f"resp_{secrets.token_hex(12)}"

        def keep(response: dict[str, Any], answer: Message) -> None:
            own = len(msgspec.json.encode(response))
            said = (*turns, answer) if answer.content else turns
            self._kept.put(Response(response, _told(given, name), said, size + own))

        wish = asked.reasoning or request.ReasoningWish()
        summary = bool(wish.summary or wish.generate_summary)
        wishes = Wishes(summary, request.ENCRYPTED in (asked.include or []))
        stores = asked.store is not False
        writer = ResponseStream(name, asked.model, echo(asked), wishes, keep if stores else _forget)
        how = request.how(asked)
        if not turns:
            return _nothing(writer, stream=bool(asked.stream))
        system = [Message("system", asked.instructions)] if asked.instructions else []
        return Asked(chat([*system, *turns], how), bool(asked.stream), writer)

    async def retrieve(self, _: AsyncClient, said: Page) -> bytes:
        """GET /v1/responses/{id}. Raises `AiPalError`."""
        for name in ("stream", "starting_after"):
            if said.get(name) not in (None, "false"):
                raise BodyError("what is over is not streamed again", name, "leave it out")
        return msgspec.json.encode(self._kept.get(said["id"]).response)

    async def delete(self, _: AsyncClient, said: Page) -> bytes:
        """DELETE /v1/responses/{id}. Raises `AiPalError`."""
        self._kept.delete(said["id"])
        return msgspec.json.encode({"id": said["id"], "object": "response", "deleted": True})

    async def cancel(self, _: AsyncClient, said: Page) -> bytes:
        """POST /v1/responses/{id}/cancel: what is kept is over. Raises `AiPalError`."""
        self._kept.get(said["id"])
        raise BodyError("only a response in the background can be cancelled", "id", "there are none here")

    async def input_items(self, _: AsyncClient, said: Page) -> bytes:
        """GET /v1/responses/{id}/input_items, the latest first. Raises `AiPalError`."""
        found = self._kept.get(said["id"]).items
        if said.get("order", "desc") not in ("asc", "desc"):
            raise BodyError("the order is asc or desc", "order")
        if said.get("order", "desc") == "desc":
            found = found[::-1]
        if after := said.get("after"):
            names = [item["id"] for item in found]
            if after not in names:
                raise BodyError(f"there is no item {after!r}", "after")
            found = found[names.index(after) + 1 :]
        limit = said.get("limit", "20")
        if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= MOST_ITEMS):
            raise BodyError(f"the limit is from 1 to {MOST_ITEMS}", "limit")
        page = found[: int(limit)]
        ends = {"first_id": page[0]["id"] if page else "", "last_id": page[-1]["id"] if page else ""}
        more = len(page) < len(found)
        return msgspec.json.encode({"object": "list", "data": page, **ends, "has_more": more})

    def _before(self, name: str | None) -> Response | None:
        if not name:
            return None
        try:
            return self._kept.get(name)
        except AiPalError as error:
            message, hint = error.failure.message, error.failure.hint
            raise BodyError(message, "previous_response_id", hint, "previous_response_not_found") from None


def _forget(_: dict[str, Any], __: Message) -> None:
    pass


def _nothing(writer: ResponseStream, *, stream: bool) -> Wanted:
    """An empty input asks nobody: Codex looks with one whether this route is there."""
    body = writer.nothing() if stream else writer.whole(Answer(finish_reason="stop"))

    async def carry_out(_: AsyncClient) -> bytes:
        return body

    return Wanted(carry_out, writer.media_type if stream else "application/json")


def _told(given: Sequence[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The input as it is listed: each item with an id, and what is said in parts."""
    told = []
    for number, item in enumerate(given):
        content = item.get("content")
        if item["type"] == "message" and isinstance(content, str):
            kind = "output_text" if item["role"] == "assistant" else "input_text"
            content = [{"type": kind, "text": content}]
        own = {"id": item.get("id") or f"item_{name.removeprefix('resp_')}_{number}"}
        told.append({**item, **own, **({"content": content} if content is not None else {})})
    return told
