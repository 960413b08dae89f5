"""The completions actor: answers that come through the egress process. Synchronous like the router
above it; nothing reaches the egress process past its privacy check, and each ends exactly once."""

from collections.abc import Callable

import msgspec

from ai_pal import privacy
from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.protocol import egress as out
from ai_pal.server.children.egress import EgressProcess
from ai_pal.server.ports import Clock, Observe

CompletionEvent = (
    out.CompletionConnected
    | out.CompletionWaiting
    | out.CompletionSent
    | out.CompletionNotice
    | out.CompletionThinking
    | out.CompletionDelta
    | out.CompletionLogprobs
    | out.CompletionDone
    | out.CompletionFailed
    | out.ProviderModels
)

UNDERWAY = (
    *(out.CompletionConnected, out.CompletionWaiting, out.CompletionSent, out.CompletionNotice),
    *(out.CompletionThinking, out.CompletionDelta, out.CompletionLogprobs),
)
"""Those after which it goes on."""


class CompletionsPolicy(msgspec.Struct, frozen=True):
    """`limit` is how many may be open at once. `grace` are the seconds that the egress process gets on top
    of an attempt's own timeouts, which it watches itself, `start` those until it runs, `stay` those it
    is kept after an answer: its SDKs take seconds to import."""

    limit: int = 256
    grace: float = 10.0
    start: float = 30.0
    stay: float = 300.0


OnEvent = Callable[[CompletionEvent], None]
"""Takes what becomes of completions; the last of each is done, failed or `provider_models`."""


class Open(msgspec.Struct, eq=False):
    """A completion or a list under way. `quiet` are the seconds it may go without a word."""

    request: out.Complete | out.ListModels
    quiet: float
    heard_at: float
    sent: bool = False
    next_seq: int = 0

    @property
    def key(self) -> int:
        return self.request.key

    @property
    def provider(self) -> str:
        return self.request.provider.name


class Completions:
    """See the module. Keys are the caller's; each is used once."""

    on_event: OnEvent

    def __init__(
        self,
        *,
        egress: EgressProcess,
        clock: Clock,
        observe: Observe,
        policy: CompletionsPolicy | None = None,
        local_only: Callable[[], bool] = lambda: False,
    ) -> None:
        self._egress, self._clock, self._observe = egress, clock, observe
        self._policy, self._local_only = policy or CompletionsPolicy(), local_only
        self._open: dict[int, Open] = {}
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

    # -- from the router -----------------------------------------------------------------------

    def start(self, complete: out.Complete, *, local_only: bool) -> None:
        """Begin; from here on `on_event` hears of it until its one end, never from within this call.

        Raises `AiPalError`, and then nothing has begun: `local_only`, `overloaded`, `spawn_failed`.
        """
        admitted = privacy.admit(complete, local_only=local_only or self._local_only())
        self._begin(admitted, max(complete.connect + complete.first_token, complete.gap))

    def list_models(self, request: out.ListModels) -> None:
        """Ask for a provider's models. Carries no prompt, yet under a local-only setting it stays here too.
        Raises like `start`."""
        if self._local_only() and not privacy.stays_here(request.provider):
            privacy.refuse(request.provider)
        self._begin(request, request.timeout)

    def cancel(self, key: int) -> None:
        """Stop it and close its connection; nothing more is heard of it."""
        opened = self._open.get(key)
        if opened is not None:
            self._drop(opened)

    # -- from the egress process ---------------------------------------------------------------

    def egress_ready(self) -> None:
        for opened in list(self._open.values()):
            if not opened.sent:
                self._send(opened)

    def egress_message(self, message: out.FromEgress) -> None:
        assert isinstance(message, CompletionEvent)
        opened = self._open.get(message.key)
        if opened is None:  # it was cancelled meanwhile
            return
        opened.heard_at = self._clock.now()
        if isinstance(message, out.CompletionDelta | out.CompletionDone) and message.seq != opened.next_seq:
            self._lose(opened, _lost(opened.provider))
            return
        if isinstance(message, out.CompletionDelta):
            opened.next_seq += message.n
        elif not isinstance(message, UNDERWAY):
            self._end(opened)
        self.on_event(message)

    def egress_gone(self, reason: Failure | None) -> None:
        """What was sent is lost with the process, what was not gets a new one unless this one died."""
        for opened in list(self._open.values()):
            if opened.sent or reason is not None:
                self._lose(opened, reason or _ended(opened.provider))
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
                self._lose(opened, _silent(opened.provider, now - opened.heard_at))
            else:
                self._clock.wake_at(quiet_until)

    # -- inside --------------------------------------------------------------------------------

    def _begin(self, request: out.Complete | out.ListModels, quiet: float) -> None:
        if len(self._open) >= self._policy.limit:
            message = f"{self._policy.limit} answers from other servers are under way already"
            fail(Code.OVERLOADED, message, "try again in a moment", retryable=True, retry_after=1.0)
        assert request.key not in self._open
        self._egress.start()
        opened = self._open[request.key] = Open(request, quiet, self._clock.now())
        self._send(opened)
        self._clock.wake_at(opened.heard_at + self._quiet(opened))

    def _quiet(self, opened: Open) -> float:
        return opened.quiet + self._policy.grace + (0 if opened.sent else self._policy.start)

    def _send(self, opened: Open) -> None:
        """What cannot be sent waits: for the hello, or for the end of a process that is leaving. A process
        that takes nothing in is found by its silence."""
        opened.sent = self._egress.send(opened.request)
        if opened.sent:
            opened.heard_at = self._clock.now()

    def _lose(self, opened: Open, failure: Failure) -> None:
        if opened.key not in self._open:  # who heard of another's end has cancelled it
            return
        self._drop(opened)
        self._observe("completion_lost", provider=opened.provider, code=failure.code, reason=failure.message)
        self.on_event(out.CompletionFailed(opened.key, failure))

    def _drop(self, opened: Open) -> None:
        self._end(opened)
        if opened.sent:
            self._egress.send(out.CancelCompletion(opened.key))

    def _end(self, opened: Open) -> None:
        del self._open[opened.key]
        self._egress.rested(self._policy.stay)


def _lost(provider: str) -> Failure:
    message = f"a part of the answer from {provider} was lost on the way"
    return Failure(Code.STREAM_BROKEN, message, "try again", retryable=True)


def _ended(provider: str) -> Failure:
    message = f"the egress process ended while {provider} was asked"
    return Failure(Code.WORKER_DIED, message, "try again", retryable=True)


def _silent(provider: str, seconds: float) -> Failure:
    message = f"the egress process said nothing about {provider} for {seconds:.0f} s"
    return Failure(Code.WORKER_HUNG, message, "look at: ai-pal logs", retryable=True)
