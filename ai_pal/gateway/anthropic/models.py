"""What models are here, as Anthropic lists them. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ai_pal.catalog.inventory.details import Details
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.gateway.wire.figures import whole_number
from ai_pal.protocol.options import Ability

MOST = 1000
"""In one page."""
USUAL: frozenset[Ability] = frozenset({"chat", "schema"})
"""What models here can of which only a load tells all."""
STAGES = {"active", "deprecated", "retired"}


def listed(models: Sequence[tuple[str, Details]], said: Mapping[str, str]) -> dict[str, Any]:
    """A page of them; all, where nobody says how many. None is about to be taken away. Raises `BodyError`."""
    most, backwards = whole_number(said.get("limit", str(MOST))), "before_id" in said
    if most is None or not 1 <= most <= MOST:
        raise BodyError(f"the limit is from 1 to {MOST}", "limit")
    stages = set(said.get("lifecycle[]", said.get("lifecycle", "active")).split(","))
    if odd := stages - STAGES:
        raise BodyError(f"{min(odd)!r} is no stage of a model", "lifecycle", ", ".join(sorted(STAGES)))
    models = models if "active" in stages else []
    names = [name for name, _ in models]
    if after := said.get("after_id"):
        models = models[_place(after, names, "after_id") + 1 :]
    if before := said.get("before_id"):
        models = models[: _place(before, [name for name, _ in models], "before_id")]
    page = models[-most:] if backwards else models[:most]
    found = [listed_model(name, known) for name, known in page]
    ends = {"first_id": found[0]["id"] if found else None, "last_id": found[-1]["id"] if found else None}
    return {"data": found, "has_more": len(page) < len(models), **ends}


def _place(name: str, names: Sequence[str], where: str) -> int:
    if name not in names:
        raise BodyError(f"there is no model {name!r}", where)
    return names.index(name)


def listed_model(name: str, known: Details) -> dict[str, Any]:
    """One of them; when it was made is when its file was written."""
    made = datetime.fromtimestamp(known.modified, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    window = {"max_input_tokens": known.context or None, "max_tokens": known.context or None}
    about = {"type": "model", "id": name, "display_name": name, "created_at": made}
    return {**about, "lifecycle": "active", **window, "capabilities": _capabilities(known)}


def _capabilities(known: Details) -> dict[str, Any]:
    """What a request may hold; what only a load tells of a model here is what most can."""
    able = USUAL if known.able is None else known.able
    thinks, none = "thinking" in known.strengths, _supported(value=False)
    levels = {level: _supported(value=thinks) for level in ("low", "medium", "high", "xhigh", "max")}
    kinds = {kind: _supported(value=True) for kind in ("adaptive", "between_tools", "disabled")}
    return {
        **dict.fromkeys(("batch", "citations", "code_execution", "context_management"), none),
        "effort": {**_supported(value=thinks), **levels},
        "image_input": _supported(value="pictures" in known.strengths),
        "pdf_input": _supported(value="chat" in able),
        "server_tools": {**none, "code_execution": none, "web_search": none},
        "structured_outputs": _supported(value="schema" in able),
        "thinking": {**_supported(value=thinks), "types": {**kinds, "enabled": _supported(value=thinks)}},
    }


def _supported(*, value: bool) -> dict[str, bool]:
    return {"supported": value}
