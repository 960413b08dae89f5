"""Looks for models on the hub: one page of each form that an engine here can load."""

import contextlib
from collections.abc import Iterator, Sequence

import msgspec

from ai_pal.protocol.hub import MOST_FOUND, HubModel, Order
from ai_pal.sources.hub_items import FIELDS, Item, ranked

FORMS = ("gguf", "safetensors")
SPARE = 2
"""So many times the wanted number is asked for: not all that the hub finds can run here."""

_SORTS: dict[Order, str] = {
    "downloads": "downloads",
    "likes": "likes",
    "trending": "trendingScore",
    "updated": "lastModified",
}


def search_hub(words: str, limit: int, order: Order, timeout: float) -> tuple[str, list[HubModel]]:
    """Which hub was asked, and what it has. Raises what huggingface_hub raises."""
    from huggingface_hub import constants

    from ai_pal.sources.hub_client import use

    use()
    items = [item for form in FORMS for item in _page(form, words, limit, order, timeout / len(FORMS))]
    return str(constants.ENDPOINT), ranked(items, order, limit)


def _page(form: str, words: str, limit: int, order: Order, timeout: float) -> Iterator[Item]:
    """The library's own search pages on without a timeout, and repeats for minutes what fails."""
    from huggingface_hub import constants
    from huggingface_hub.utils import (  # type: ignore[attr-defined]
        build_hf_headers,
        get_session,
        hf_raise_for_status,
    )

    asked: dict[str, str | int | Sequence[str]] = {
        "search": words,
        "filter": form,
        "sort": _SORTS[order],
        "limit": min(limit * SPARE, MOST_FOUND),
        "expand": list(FIELDS),
    }
    url = f"{constants.ENDPOINT}/api/models"
    answer = get_session().get(url, params=asked, headers=build_hf_headers(), timeout=timeout)
    hf_raise_for_status(answer)
    for one in msgspec.json.decode(answer.content, type=list[msgspec.Raw]):
        with contextlib.suppress(msgspec.ValidationError):  # one that is odd hides no other
            yield msgspec.json.decode(one, type=Item)
