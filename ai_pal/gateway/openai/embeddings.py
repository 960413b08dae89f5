"""POST /v1/embeddings and /v1/rerank."""

import base64
import secrets
from functools import partial
from typing import Annotated, Any, Literal

import msgspec

from ai_pal.client import AsyncClient
from ai_pal.client.requests import Embeddable
from ai_pal.client.vectors import Embeddings, Ranking
from ai_pal.gateway.asking import presets, wishes
from ai_pal.gateway.asking.asked import Errand
from ai_pal.gateway.asking.put import done
from ai_pal.gateway.wire.bodies import BodyError, converted, decoded

Token = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


class EmbeddingsBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`user` has no meaning here."""

    input: str | list[str | int | list[int]]
    model: str
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, msgspec.Meta(ge=1)] | None = None
    keep_alive: str | float | None = None
    user: str | None = None


class Document(msgspec.Struct):
    """One to be ranked; what else is said of it has no meaning."""

    text: str


class RerankBody(msgspec.Struct):
    """As Cohere and Jina have it; OpenAI has no such route."""

    query: str
    documents: Annotated[list[str | Document], msgspec.Meta(min_length=1)]
    model: str = ""
    top_n: Annotated[int, msgspec.Meta(ge=1)] | None = None
    return_documents: bool | None = None
    keep_alive: str | float | None = None


_EMBEDDINGS = msgspec.json.Decoder(EmbeddingsBody)
_RERANK = msgspec.json.Decoder(RerankBody)


def embeddings(body: bytes) -> Errand:
    """What is asked. Raises `BodyError`."""
    asked = decoded(body, _EMBEDDINGS)
    texts = _texts(asked.input)
    kept = wishes.keep_alive(asked.keep_alive)

    async def carry_out(client: AsyncClient) -> bytes:
        found = await client.embed(
            texts, dimensions=asked.dimensions or 0, model=presets.meant(client, asked.model), keep_alive=kept
        )
        return await done(partial(_listed, found, asked), len(found.data))

    return Errand(carry_out, reads=asked.model or "")


def _listed(found: Embeddings, asked: EmbeddingsBody) -> bytes:
    size, packed = 4 * found.dimensions, asked.encoding_format == "base64"
    data = [
        one_by_one(
            {
                "object": "embedding",
                "index": number,
                "embedding": base64.b64encode(found.data[number * size : (number + 1) * size]).decode()
                if packed
                else vector,
            }
        )
        for number, vector in enumerate(found)
    ]
    tokens = found.usage.prompt_tokens
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    model = asked.model or found.model
    return msgspec.json.encode({"object": "list", "data": data, "model": model, "usage": usage})


def one_by_one(value: Any) -> msgspec.Raw:
    """One of many values: written in one go, all of them would keep every other thread waiting."""
    return msgspec.Raw(msgspec.json.encode(value))


def rerank(body: bytes) -> Errand:
    """What is asked. Raises `BodyError`."""
    asked = decoded(body, _RERANK)
    if not asked.query.strip():
        raise BodyError("there is nothing to rank by", "query")
    texts = [one if isinstance(one, str) else one.text for one in asked.documents]
    kept = wishes.keep_alive(asked.keep_alive)

    async def carry_out(client: AsyncClient) -> bytes:
        found = await client.rerank(
            asked.query, texts, model=presets.meant(client, asked.model), keep_alive=kept
        )
        return await done(partial(_ranked, found, asked, texts))

    return Errand(carry_out, reads=asked.model or "")


def _ranked(found: Ranking, asked: RerankBody, texts: list[str]) -> bytes:
    order = sorted(range(len(texts)), key=lambda number: -found.scores[number])[: asked.top_n]
    results: list[dict[str, Any]] = [
        {"index": number, "relevance_score": found.scores[number]} for number in order
    ]
    if asked.return_documents:
        for result in results:
            result["document"] = {"text": texts[result["index"]]}
    tokens = found.usage.prompt_tokens
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    head = {
        "id": f"rerank-{secrets.token_hex(12)}",
        "object": "list",
        "model": asked.model or found.model,
    }
    return msgspec.json.encode({**head, "results": results, "usage": usage})


def _texts(given: str | list[str | int | list[int]]) -> list[Embeddable]:
    """What is embedded: a text, texts, the tokens of one, or of several."""
    texts: list[Any] = [given] if isinstance(given, str) or (given and isinstance(given[0], int)) else given
    if not texts or not all(texts):
        raise BodyError("there is nothing to embed", "input", "leave empty texts out")
    return [text if isinstance(text, str) else converted(text, list[Token], "input") for text in texts]
