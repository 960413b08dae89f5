"""What a client asks the hub through the supervisor, and what it hears."""

import msgspec

from ai_pal.protocol.client.answers import Event
from ai_pal.protocol.client.requests import Request
from ai_pal.protocol.hub import HubModel, HubRevision, Order

__all__ = ["Revisions", "RevisionsReply", "Search", "SearchReply"]


class Search(Request, tag="search", frozen=True):
    """Search the hub for models that can run here, by words of their names. The words leave this machine:
    with `local_only`, or where the supervisor's settings say so, that is refused. Ends with `search_reply`,
    `failed` or `cancelled`."""

    id: int
    words: str = ""
    limit: int = 20
    sort: Order = "downloads"
    local_only: bool = False


class SearchReply(Event, tag="search_reply", frozen=True):
    """Answer to `search`: the models in the order that was wanted. `hub` is who was asked."""

    id: int
    hub: str = ""
    models: list[HubModel] = msgspec.field(default_factory=list)


class Revisions(Request, tag="revisions", frozen=True):
    """Ask the hub what it has now under each reference (`org/name`, `org/name@revision`), without fetching
    anything. Ends with `revisions_reply`, `failed` or `cancelled`."""

    id: int
    references: list[str] = msgspec.field(default_factory=list)


class RevisionsReply(Event, tag="revisions_reply", frozen=True):
    """Answer to `revisions`: one for each reference, in their order."""

    id: int
    revisions: list[HubRevision] = msgspec.field(default_factory=list)
