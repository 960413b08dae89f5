"""The providers as a backend: answers that come through the egress process, or one like it. Synchronous like
the router above it; nothing reaches the egress process past its privacy check, and each ends exactly once."""

import itertools
from collections.abc import Callable

import msgspec

from ai_pal import privacy
from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.protocol import egress as out
from ai_pal.protocol import worker as inner
from ai_pal.protocol.provider import Provider
from ai_pal.protocol.usage import Usage
from ai_pal.server.backends.completion import Completion, Listing, Open
from ai_pal.server.children.egress import EgressProcess
from ai_pal.server.jobs import Handle, Job, Sink
from ai_pal.server.ports import Clock, Observe

UNDERWAY = (
    *(out.CompletionConnected, out.CompletionWaiting, out.CompletionSent, out.CompletionNotice),
    *(out.CompletionThinking, out.CompletionDelta, out.CompletionLogprobs),
)
"""Those after which it goes on."""


class ProvidersPolicy(msgspec.Struct, frozen=True):
    """`limit` is how many may be open at once. `grace` are the seconds that the egress process gets on top
    of an attempt's own timeouts, which it watches itself, `start` those until it runs, `stay` those it
    is kept after an answer: its SDKs take seconds to import."""

    limit: int = 256
    grace: float = 10.0
    start: float = 30.0
    stay: float = 300.0


class Refused:
    """The handle of a job that was never begun."""

    dispatched_at: float | None = None

    def cancel(self) -> None:
        """There is nothing to stop."""


class Providers:
    """See the module. Implements `jobs.Backend`."""

    keeps_time = True

    def __init__(
        self,
        *,
        egress: EgressProcess,
        clock: Clock,
        observe: Observe,
        policy: ProvidersPolicy | None = None,
        local_only: Callable[[], bool] = lambda: False,
        mine: Callable[[], bool] = lambda: False,
    ) -> None:
        self._egress, self._clock, self._observe = egress, clock, observe
        self._policy, self._local_only, self._mine = policy or ProvidersPolicy(), local_only, mine
        self._open: dict[int, Open] = {}
        self._keys = itertools.count(1)
        egress.join(
            self,
            *UNDERWAY,
            *(out.CompletionDone, out.CompletionFailed, out.ProviderModels),
        )

    def __len__(self) -> int:
        return len(self._open)

    @property
    def busy(self) -> bool:
        return bool(self._open)

    # -- from those who want something -----------------------------------------------------------

    def start(self, job: Job, sink: Sink) -> Handle:
        """Ask a provider. A refusal (`local_only`, `overloaded`, `spawn_failed`) is heard at once."""
        now = self._clock.now()
        try:
            complete = self._complete(job)
            quiet = max(complete.connect + complete.first_token, complete.gap)
            completion = Completion(self, complete, sink, job.blobs, quiet, now, now)
            self._begin(completion)
        except AiPalError as error:
            sink.failed(error.failure, Usage(), None)
            return Refused()
        sink.accepted(complete.model)
        return completion

    def list_models(
        self,
        provider: Provider,
        told: Callable[[out.ProviderModels | Failure], None],
        timeout: float = 5.0,
        *,
        describe: bool = False,
    ) -> Listing:
        """Ask for a provider's models, and with `describe` what an Ollama says of them. Carries no prompt,
        yet under a local-only setting it stays here too. Raises `AiPalError`, and then nothing has begun.
        `told` is never called from within this call."""
        if self._local_only() and not privacy.stays_here(provider):
            privacy.refuse(provider)
        if self._mine() and not privacy.is_mine(provider):
            privacy.refuse_others(provider)
        request = out.ListModels(next(self._keys), provider, timeout, describe)
        listing = Listing(self, request, told, timeout, self._clock.now())
        self._begin(listing)
        return listing

    def _complete(self, job: Job) -> out.Complete:
        """What the egress process is told, past the privacy check."""
        if job.provider is None or not isinstance(job.work, inner.Generate):
            fail(Code.UNSUPPORTED, f"{job.model} can only be asked to chat", "choose a model of this machine")
        patience = job.patience
        complete = out.Complete(
            key=next(self._keys),
            provider=job.provider,
            model=job.model,
            messages=job.work.messages,
            options=job.work.options,
            connect=_connect_seconds(job.provider, patience.connect),
            first_token=patience.first_token,
            gap=patience.gap,
            local_only=job.private,
            keep_alive=job.keep_alive,
            patient=patience.renewed,
            mine=job.mine or self._mine(),
        )
        return privacy.admit(complete, local_only=job.private or self._local_only())

    # -- from the egress process ---------------------------------------------------------------

    def egress_ready(self) -> None:
        for opened in list(self._open.values()):
            if not opened.sent:
                self._send(opened)

    def egress_message(self, message: out.FromEgress) -> None:
        opened = self._open.get(getattr(message, "key", 0))
        if opened is None:  # it was cancelled meanwhile
            return
        opened.heard_at = self._clock.now()
        if isinstance(message, out.CompletionDelta | out.CompletionDone) and message.seq != opened.next_seq:
            self._lose(opened, _lost(opened.name))
            return
        if isinstance(message, out.CompletionDelta):
            opened.next_seq += message.n
        elif not isinstance(message, UNDERWAY):
            self._end(opened)
        opened.take(message)

    def egress_gone(self, reason: Failure | None) -> None:
        """What was sent is lost with the process, what was not gets a new one unless this one died."""
        for opened in list(self._open.values()):
            if opened.sent or reason is not None:
                self._lose(opened, reason or _ended(opened.name))
        if not self._open:
            return
        try:
            self._egress.start()
        except AiPalError as error:
            for opened in list(self._open.values()):
                self._lose(opened, error.failure)

    # -- time ----------------------------------------------------------------------------------

    def tick(self) -> None:
        """Let everything happen whose time has come, and ask for the next tick."""
        now = self._clock.now()
        for opened in list(self._open.values()):
            quiet_until = opened.heard_at + self._quiet(opened)
            if now >= quiet_until:
                self._lose(opened, _silent(opened.name, now - opened.heard_at))
            else:
                self._clock.wake_at(quiet_until)

    # -- inside --------------------------------------------------------------------------------

    def _begin(self, opened: Open) -> None:
        if len(self._open) >= self._policy.limit:
            message = f"{self._policy.limit} answers from other servers are under way already"
            fail(Code.OVERLOADED, message, "try again in a moment", retryable=True, retry_after=1.0)
        self._egress.start()
        self._open[opened.key] = opened
        self._send(opened)
        self._clock.wake_at(opened.heard_at + self._quiet(opened))

    def _quiet(self, opened: Open) -> float:
        return opened.quiet + self._policy.grace + (0 if opened.sent else self._policy.start)

    def _send(self, opened: Open) -> None:
        """What cannot be sent waits: for the hello, or for the end of a process that is leaving. A process
        that takes nothing in is found by its silence."""
        opened.sent = self._egress.send(opened.request, opened.blobs)
        if opened.sent:
            opened.heard_at = self._clock.now()

    def _lose(self, opened: Open, failure: Failure) -> None:
        if opened.key not in self._open:  # who heard of another's end has cancelled it
            return
        self.drop(opened)
        self._observe("completion_lost", provider=opened.name, code=failure.code, reason=failure.public)
        opened.lose(failure)

    def drop(self, opened: Open) -> None:
        """Stop it; nothing more is heard of it."""
        if opened.key not in self._open:
            return
        self._end(opened)
        if opened.sent:
            self._egress.send(out.CancelCompletion(opened.key))

    def _end(self, opened: Open) -> None:
        del self._open[opened.key]
        self._egress.rested(self._policy.stay)


def _connect_seconds(provider: Provider, usual: float) -> float:
    """A machine's login may have a limit of its own, beyond which it says itself what it lacks."""
    machine = provider.machine
    return usual if machine is None else max(usual, machine.login + 1)


def _lost(provider: str) -> Failure:
    message = f"a part of the answer from {provider} was lost on the way"
    return Failure(Code.STREAM_BROKEN, message, "try again", retryable=True)


def _ended(provider: str) -> Failure:
    message = f"the egress process ended while {provider} was asked"
    return Failure(Code.WORKER_DIED, message, "try again", retryable=True)


def _silent(provider: str, seconds: float) -> Failure:
    message = f"the egress process said nothing about {provider} for {seconds:.0f} s"
    return Failure(Code.WORKER_HUNG, message, "look at: ai-pal logs", retryable=True)
