"""This machine as the router sees it: the supervisor's workers, with downloads of what they lack."""

import msgspec

from ai_pal.protocol import client as wire
from ai_pal.server.pool.supervisor import Supervisor
from ai_pal.server.services.download import Follower
from ai_pal.server.services.downloads import Downloads


class LocalModels:
    """Implements `ports.Local`. Both actors speak to the router, so they are put in after it is made."""

    supervisor: Supervisor
    downloads: Downloads

    def chat(self, client: bytes, chat: wire.Chat) -> None:
        self.supervisor.chat(client, chat)

    def cancel(self, client: bytes, request_id: int) -> None:
        if not self.downloads.cancel(client, request_id):
            self.supervisor.cancel(client, request_id)

    def dispatched_at(self, client: bytes, request_id: int) -> float | None:
        request = self.supervisor.requests.find(client, request_id)
        return None if request is None else request.dispatched_at

    def fetch_first(self, client: bytes, request: wire.Chat | wire.Load) -> bool:
        """Download the model of a request before it is taken up."""
        self.downloads.follow(Follower(client, request.id, request, request.pip), request.model)
        return True

    def resume(self, client: bytes, request: wire.Chat | wire.Load) -> None:
        """The model is here: take the request up, once."""
        request = msgspec.structs.replace(request, pull=False)
        if isinstance(request, wire.Load):
            self.supervisor.load(client, request)
        else:
            self.supervisor.chat(client, request)
