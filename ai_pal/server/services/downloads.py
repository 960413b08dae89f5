"""The downloads actor: one download per model, however many clients follow it. Synchronous like the
supervisor beside it; the egress process does the work."""

import itertools
from collections.abc import Callable, Sequence

from ai_pal.catalog import too_large
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as out
from ai_pal.server.backends.local import Follower
from ai_pal.server.children.egress import EgressPolicy, EgressProcess
from ai_pal.server.jobs import Pull
from ai_pal.server.ports import Clients, Clock, Observe
from ai_pal.server.services.base import called_off
from ai_pal.server.services.download import ClientFollower, Download, Plan, PlanDownload
from ai_pal.transport.sockets import Blob

MAX_ATTEMPTS = 2
"""A download whose process dies is taken up once more: it goes on where it stopped."""


class Downloads:
    """See the module. Implements `Service` for `pull`; the egress process calls it too."""

    def __init__(
        self,
        *,
        clients: Clients,
        egress: EgressProcess,
        clock: Clock,
        plan: PlanDownload,
        observe: Observe,
        policy: EgressPolicy,
    ) -> None:
        self._clients, self._egress, self._clock = clients, egress, clock
        self._plan, self._observe, self._policy = plan, observe, policy
        egress.join(self, out.FetchProgress, out.Fetched, out.FetchFailed)
        self._downloads: dict[int, Download] = {}
        self._keys = itertools.count(1)
        self._closing = False

    def __len__(self) -> int:
        return len(self._downloads)

    @property
    def busy(self) -> bool:
        """Whether something is downloaded."""
        return bool(self._downloads)

    def statuses(self) -> list[wire.DownloadStatus]:
        return [download.status for download in self._all()]

    # -- from clients --------------------------------------------------------------------------

    def start(self, client: bytes, request: wire.Pull, blobs: Sequence[Blob] = ()) -> None:
        """Bring a model; the client hears `pulling` and then `pulled`, `failed` or `cancelled`."""
        self.follow(
            ClientFollower(self._clients, client, request.id, Pull(pip=request.pip, newer=request.newer)),
            request.model,
        )

    def fetch_first(self, client: bytes, request: wire.Load, then: Callable[[], None]) -> None:
        """Bring the model of a load, and go on with that."""
        pull = Pull(request.pull_limit, request.pip)
        self.follow(ClientFollower(self._clients, client, request.id, pull, then), request.model)

    def follow(self, follower: Follower, reference: str) -> None:
        """Download what `reference` needs, unless it is here or on its way, and tell the follower."""
        try:
            plan = self._plan(reference)
            if plan.wanted is None or (plan.path and not follower.pull.newer):
                follower.here(_pulled(plan, plan.path, plan.size, plan.commit))
                return
            if self._closing:
                raise AiPalError(CLOSING)
            if 0 < follower.pull.limit < plan.size:
                follower.pulling(wire.Pulling(0, plan.model, total=plan.size))
                raise AiPalError(too_large(plan.model, plan.size))
            download = self._find(plan) or self._new(plan, follower)
        except AiPalError as error:
            follower.failed(error.failure)
            return
        if follower not in download.followers:
            download.followers.append(follower)
        follower.pulling(download.event)

    def leave(self, follower: Follower) -> None:
        """Take a follower out, without a word; the last one takes the download along."""
        for download in self._all():
            if follower in download.followers:
                download.followers.remove(follower)
                self._drop_unfollowed(download)

    def cancel(self, client: bytes, request_id: int, reason: Failure | None = None) -> bool:
        """Take out what this client follows under that id. False: no such request here."""
        for follower in [f for d in self._all() for f in _of(d, client) if f.id == request_id]:
            self.leave(follower)
            self._clients.send(client, called_off(request_id, reason))
            return True
        return False

    def client_gone(self, client: bytes, failure: Failure | None = None) -> None:
        """The client left; with a `failure` it is still there, and is told. What others follow goes on."""
        for follower in [f for d in self._all() for f in _of(d, client)]:
            self.leave(follower)
            if failure is not None:
                follower.failed(failure)

    # -- from the egress process ---------------------------------------------------------------

    def egress_ready(self) -> None:
        for download in self._all():
            self._send(download)

    def egress_message(self, message: out.FromEgress) -> None:
        download = self._downloads.get(getattr(message, "key", 0))
        if download is None:
            return
        match message:
            case out.FetchProgress():
                download.moved(message.done, message.total, message.steps, self._clock.now())
                for follower in list(download.followers):
                    follower.pulling(download.event)
            case out.Fetched():
                self._end(download)
                self._observe("pulled", model=download.plan.model, size=message.size, commit=message.commit)
                pulled = _pulled(download.plan, message.path, message.size, message.commit)
                for follower in list(download.followers):
                    follower.here(pulled)
            case out.FetchFailed():
                self._failed(download, message.failure)

    def egress_gone(self, reason: Failure | None) -> None:
        for download in self._all():
            download.attempts += reason is not None and not download.sent  # it did not even come up
            download.sent, download.steps = False, -1
            if reason is not None and download.attempts >= MAX_ATTEMPTS:
                self._fail(download, reason)
        if not self._downloads or self._closing:
            return
        try:
            self._egress.start()
        except AiPalError as error:
            for download in self._all():
                self._fail(download, error.failure)

    # -- time ----------------------------------------------------------------------------------

    def tick(self) -> None:
        """Let everything happen whose time has come, and ask for the next tick."""
        now = self._clock.now()
        for download in self._all():
            if not download.sent:
                continue
            stalled_at = download.moved_at + self._policy.stall
            if now >= stalled_at:
                self._egress.send(out.CancelFetch(download.key))
                self._fail(download, _stalled(download.plan.model, self._policy.stall))
            else:
                self._clock.wake_at(stalled_at)

    def shutdown(self, drain: float = 0.0) -> None:
        """End everything at once, whatever the `drain`: what has come so far stays for the next try."""
        self._closing = True
        for download in self._all():
            self._fail(download, CLOSING)

    # -- inside --------------------------------------------------------------------------------

    def _all(self) -> list[Download]:
        return list(self._downloads.values())

    def _find(self, plan: Plan) -> Download | None:
        return next((d for d in self._all() if d.plan.wanted == plan.wanted), None)

    def _new(self, plan: Plan, follower: Follower) -> Download:
        now = self._clock.now()
        download = Download(
            next(self._keys), plan, [follower], follower.pull.pip, total=plan.size, moved_at=now
        )
        self._egress.start()
        self._downloads[download.key] = download
        self._observe("pull_started", model=plan.model, wanted=str(plan.wanted), variant=plan.variant)
        self._send(download)
        return download

    def _send(self, download: Download) -> None:
        plan = download.plan
        assert plan.wanted is not None
        if not download.sent and self._egress.send(
            out.Fetch(download.key, plan.model, plan.cache, plan.wanted, download.limit, download.pip)
        ):
            download.sent = True
            download.attempts += 1
            download.moved_at = self._clock.now()
            self._clock.wake_at(download.moved_at + self._policy.stall)

    def _end(self, download: Download) -> None:
        self._downloads.pop(download.key, None)
        self._egress.rested()

    def _failed(self, download: Download, failure: Failure) -> None:
        """The egress process gave up. Who joined with a higher limit than it had is not refused."""
        if failure.code == Code.MODEL_NOT_HERE and download.limit == 0 and download.followers:
            refused = [f for f in download.followers if f.pull.limit]
            download.followers = [f for f in download.followers if not f.pull.limit]
            for follower in refused:
                follower.failed(failure)
            download.sent = False
            self._send(download)
            return
        self._fail(download, failure)

    def _fail(self, download: Download, failure: Failure) -> None:
        self._end(download)
        self._observe("pull_failed", model=download.plan.model, code=failure.code, reason=failure.message)
        for follower in list(download.followers):
            follower.failed(failure)

    def _drop_unfollowed(self, download: Download) -> None:
        if not download.followers and download.key in self._downloads:
            self._end(download)
            self._egress.send(out.CancelFetch(download.key))
            self._observe("pull_stopped", model=download.plan.model, done=download.done)


def _of(download: Download, client: bytes) -> list[ClientFollower]:
    """What this client follows of it."""
    return [f for f in download.followers if isinstance(f, ClientFollower) and f.client == client]


def _pulled(plan: Plan, path: str, size: int, commit: str) -> wire.Pulled:
    return wire.Pulled(0, plan.model, path, size, plan.variant, plan.why, commit)


def _stalled(model: str, seconds: float) -> Failure:
    message = f"the download of {model} got no data for {seconds:g} s"
    hint = "check the network, then pull it again: it goes on where it stopped"
    return Failure(Code.DOWNLOAD_FAILED, message, hint, retryable=True)


CLOSING = Failure(
    Code.SHUTTING_DOWN, "the supervisor is shutting down", "pull it again: it goes on where it stopped", True
)
