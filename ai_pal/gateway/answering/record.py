"""What became of one request over HTTP, for the access log and the metrics. Nothing of what was said."""

from ai_pal.client.answer import Answer
from ai_pal.errors import Code, main_reason
from ai_pal.gateway.answering.several import total
from ai_pal.gateway.wire.statuses import CLIENT_LEFT
from ai_pal.protocol import client as wire
from ai_pal.protocol.usage import Timings, Usage

OK = "ok"


class Record:
    """`door` is whose protocol it was, "" for what no route answers; `outcome` a code of our taxonomy where
    it failed; `first_token` in seconds, 0 where nothing came; `per_prompt` how many answers each prompt has,
    that it counts once, `key` the name of the key that was asked with; `between` seconds between two tokens,
    `cost` US dollars, `notices` the kinds of what was told of it."""

    def __init__(self) -> None:
        self.door, self.status, self.outcome, self.per_prompt = "", 0, OK, 1
        self.key = ""
        self.started: wire.Started | None = None
        self.first_token = self.between = self.cost = 0.0
        self.notices: list[str] = []
        self._usages: dict[int, Usage] = {}

    @property
    def usage(self) -> Usage:
        """What all of its answers took."""
        return total([usage for _, usage in sorted(self._usages.items())], self.per_prompt)

    def heard(self, event: wire.AnyEvent) -> None:
        """Take over what an answer's event tells."""
        match event:
            case wire.Started():
                self.started = event
            case wire.Done() | wire.Interrupted() | wire.Cancelled():
                self._usages[event.id] = event.usage
                self._took(event.timings, event.cost)
                if isinstance(event, wire.Interrupted):
                    self.failed(event.reason.code)
            case wire.Notice():
                self.notices.append(event.kind)
            case wire.Failed():
                self._usages[event.id] = event.usage
                self.cost += event.cost or 0.0
                self.failed(main_reason(event.reasons).code)

    def answered(self, said: Answer) -> None:
        """Take over what a whole answer tells."""
        self.started = wire.Started(0, said.tier, said.provider, said.model)
        self._usages = {0: said.usage}
        self._took(said.timings, said.cost)
        self.notices += [notice.kind for notice in said.notices]

    def _took(self, timings: Timings, cost: float | None) -> None:
        self.first_token = self.first_token or timings.first_token
        speed = timings.tokens_per_second
        self.between = self.between or (1 / speed if speed else 0.0)
        self.cost += cost or 0.0

    def failed(self, code: str) -> None:
        """It ended with this."""
        self.outcome = code
        if code == Code.CANCELLED:
            self.status = CLIENT_LEFT
