"""One client's request at the router, and one attempt at answering it."""

from collections.abc import Sequence

import msgspec

from ai_pal.errors import NEVER_SENT, UNPAID, Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import PartKind
from ai_pal.protocol.doubt import Probe
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.protocol.worker import DeltaItem
from ai_pal.server.jobs import Answered, Handle, Sink
from ai_pal.server.router.cascade.hold import Hold
from ai_pal.server.router.cascade.watch import Escalate, Verdict, Watch
from ai_pal.server.router.complexity import Feature
from ai_pal.server.router.policy.candidate import CLOUD, MACHINE, Candidate
from ai_pal.server.router.policy.fallback_chain import FallbackChain
from ai_pal.server.router.policy.order import Reason
from ai_pal.server.router.policy.query import BYTES_PER_TOKEN
from ai_pal.store.ledger import ANSWERED
from ai_pal.transport.sockets import Blob

MOST_KEPT = 1024 * 1024
"""Bytes of an answer that are kept for a continuation; a longer one is not gone on with."""

TOLD_AT_THE_END = frozenset({ANSWERED, Code.LENGTH, Code.EMPTY_ANSWER})
"""Outcomes of answers whose provider has said its last: its figures are those of the whole."""

NOT_ASKED_THERE = NEVER_SENT | {Code.ACCESS_DENIED, Code.PROTOCOL_MISMATCH}
"""Codes of attempts at another machine that ended before its supervisor was asked anything."""


class RoutedRequest(msgspec.Struct, eq=False):
    """A request of a client that the router has not ended yet. (`client`, `chat.id`) is unique."""

    client: bytes
    chat: wire.Chat
    chain: FallbackChain
    score: float | None
    opened_at: float
    features: tuple[Feature, ...] = ()
    attempt: "Attempt | None" = None
    accepted_at: float | None = None
    first_at: float | None = None
    next_seq: int = 0  # the number of the next piece that the client is sent
    next_index: int = 0  # the number of the next part of the answer
    failed: tuple[tuple[Candidate, Failure], ...] = ()
    usage: Usage = Usage()
    known_cost: float = 0.0  # US dollars
    unpriced: bool = False  # there are further costs, and nobody knows how much
    away: bool = False  # whether the prompt has left this machine
    ended: bool = False
    tell_at: float | None = None  # when the client is told of a fallback; None: there is nothing to tell
    kept: list[msgspec.Raw] | None = None  # the text so far, raw; None: this answer cannot be continued
    kept_bytes: int = 0
    text_index: int = 0  # the number of the part that `kept` is the text of
    blobs: Sequence[Blob] = ()  # large attachments of its messages
    told: "Attempt | None" = None  # who the client was last told answers
    escalate: Escalate = "off"  # what to do when the model of this machine doubts its answer
    draft: "Attempt | None" = None  # the doubted answer, while somebody else is asked
    broke_off: bool = False  # what was shown of `draft` broke off, and nobody has begun behind it
    doubt: float | None = None  # how much the answer is doubted
    verdict: Verdict | None = None  # a verdict on the answer that the client has not been told yet

    @property
    def private(self) -> bool:
        return self.chain.plan.query.private

    @property
    def deadline(self) -> float | None:
        return self.chain.deadline

    @property
    def cost(self) -> float | None:
        """US dollars; None: nobody knows."""
        return None if self.unpriced else self.known_cost

    @property
    def is_computed(self) -> bool:
        """Whether whoever was asked last is at it."""
        handle = self.attempt.handle if self.attempt is not None else None
        return handle is not None and handle.dispatched_at is not None

    @property
    def begun_at(self) -> float:
        """What timings count from."""
        return self.opened_at if self.accepted_at is None else self.accepted_at

    def keep(self, kind: PartKind, index: int, text: msgspec.Raw) -> None:
        """Remember a piece of text, while the answer is short enough. Nobody goes on with a call of a
        tool."""
        if self.kept is None or kind == "reasoning":
            return
        self.kept_bytes += len(text)
        if kind == "tool_call" or self.kept_bytes > MOST_KEPT:
            self.kept = None
            return
        self.kept.append(text)
        self.text_index = index

    def said(self) -> str:
        """What has been delivered."""
        return "".join(msgspec.msgpack.decode(text, type=str) for text in self.kept or ())

    def timings(self, now: float, of_attempt: Timings | None = None) -> Timings:
        """Measured from the acceptance by the client's clock, not from the last attempt's beginning."""
        attempt, begun = self.attempt, self.begun_at
        waited = 0.0 if self.first_at is None else self.first_at - begun
        spent = 0.0 if self.first_at is None else now - self.first_at
        if of_attempt is not None and attempt is not None:
            before = max(0.0, attempt.asked_at - begun)
            if not before and attempt.base == 0:
                return of_attempt
            return msgspec.structs.replace(
                of_attempt,
                queued=of_attempt.queued + before,
                first_token=waited,
                total=now - begun,
            )
        return Timings(
            queued=max(0.0, (attempt.asked_at if attempt is not None else now) - begun),
            first_token=waited,
            total=now - begun,
            tokens_per_second=self.next_seq / spent if spent > 0 and self.next_seq > 1 else 0.0,
        )


class Measured(msgspec.Struct, frozen=True):
    """What an attempt has used, as its backend has measured it."""

    usage: Usage
    timings: Timings


class Attempt(msgspec.Struct, eq=False):
    """One candidate that was asked to answer a request, and how far it has come. Times are seconds of the
    router's clock. Reasoning ("thoughts") is not content: it does not commit the router to this candidate."""

    key: int  # unique among attempts
    request: RoutedRequest
    candidate: Candidate
    reason: Reason
    asked_at: float
    moved_at: float  # when anything last came of it
    handle: Handle | None = None  # by which its job can be cancelled
    model: str = ""  # the model that its backend has accepted it for
    base: int = 0  # the client's number for its first piece
    base_index: int = 0  # the client's number for its first part
    places: dict[int, int] | None = None  # numbers of its parts, where it continues the text of another
    tokens: int = 0  # pieces so far, reasoning included; a server may put many tokens into one
    said: int = 0  # bytes so far, reasoning included
    read: int = 0  # tokens of its prompt, where its engine has said how many
    told: Usage = Usage()  # usage as the provider reports it, also for an answer that fails
    measured: Measured | None = None  # usage as this machine has measured it
    reserved: float = 0.0  # US dollars that it may cost
    prompt_tokens: int = 0
    connected_at: float | None = None  # when the prompt began to leave this machine
    begun_at: float | None = None  # when its first piece came
    first_at: float | None = None  # when its first content came
    whole: bool = False  # all of the prompt has left
    over: bool = False  # it is in the ledger
    stopped: bool = False  # the router has cancelled it
    accepted: bool = False  # its backend has accepted the job
    watch: Watch | None = None  # judges its doubts, where the model tells any
    probe: Probe | None = None
    hold: Hold[DeltaItem] | None = None  # pieces that wait for a verdict
    sink: Sink | None = None  # what hears of its job
    result: Answered | None = None  # its end, if that came while somebody else was being asked
    blind: bool = False  # it was to tell its doubts, and has none

    @property
    def shown(self) -> bool:
        """Whether the client has seen content of it: thoughts are none."""
        return self.first_at is not None

    def let_go(self) -> None:
        """Pass on what was held back of it."""
        if self.hold is not None and self.sink is not None:
            self.hold.let_go(self.sink.delta)

    def step_aside(self) -> None:
        """Another's pieces come now: those of this one, should it go on after all, follow them."""
        if self.tokens and self.places is None:
            shown = range(self.request.next_index - self.base_index)
            self.places = {index: self.base_index + index for index in shown}

    def go_on(self) -> None:
        """Its next piece follows whatever the client has heard."""
        self.base = self.request.next_seq - self.tokens
        if not self.tokens:
            self.base_index = self.request.next_index

    def place(self, piece: DeltaItem) -> int:
        """The place in the answer of the part that a piece is of; a text that broke off is gone on with."""
        places, request = self.places, self.request
        if places is None:
            return self.base_index + piece.index
        if piece.index not in places:
            goes_on = piece.kind == "text" and request.text_index not in places.values()
            places[piece.index] = request.text_index if goes_on else request.next_index
        return places[piece.index]

    def went_out(self, outcome: str) -> bool:
        """Whether the prompt has left this machine with it; rather yes where its outcome does not tell."""
        never = NOT_ASKED_THERE if self.candidate.tier == MACHINE else NEVER_SENT
        left = self.connected_at is not None or (self.accepted and outcome not in never)
        return self.candidate.remote and left

    @property
    def queued(self) -> float:
        """Seconds that it waited for a worker, as far as that was measured."""
        return 0.0 if self.measured is None else self.measured.timings.queued

    def usage(self, outcome: str = "") -> Usage:
        """What it has used as far as anybody has counted, else an estimate. A cloud charges for a prompt that
        it was sent, even if no text came of it."""
        if self.measured is not None:
            return self.measured.usage
        charged = self.candidate.tier == CLOUD and self.whole and outcome not in UNPAID
        begun = self.begun_at is not None or self.said > 0
        told, said = self.told, max(self.tokens, self.said // BYTES_PER_TOKEN)
        if outcome in TOLD_AT_THE_END and told.completion_tokens:
            said = told.completion_tokens
        return Usage(
            prompt_tokens=told.prompt_tokens or (self.prompt_tokens if begun or charged else 0),
            cached_tokens=told.cached_tokens,
            completion_tokens=max(said, told.completion_tokens),
            guessed_tokens=told.guessed_tokens,
            right_tokens=told.right_tokens,
        )


def total(one: Usage, other: Usage) -> Usage:
    """What two attempts have used together."""
    return Usage(
        one.prompt_tokens + other.prompt_tokens,
        one.cached_tokens + other.cached_tokens,
        one.completion_tokens + other.completion_tokens,
        one.guessed_tokens + other.guessed_tokens,
        one.right_tokens + other.right_tokens,
    )
