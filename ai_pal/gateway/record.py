"""What became of one request over HTTP, for the access log and the metrics. Nothing of what was said."""

from ai_pal.client.answer import Answer
from ai_pal.errors import Code, main_reason
from ai_pal.gateway.several import total
from ai_pal.gateway.statuses import CLIENT_LEFT
from ai_pal.protocol import client as wire
from ai_pal.protocol.usage import Usage

OK = "ok"


class Record:
    """`door` is whose protocol it was, "" for what no route answers; `outcome` a code of our taxonomy where
    it failed; `first_token` in seconds, 0 where nothing came; `per_prompt` how many answers each prompt has,
    that it counts once, `key` the name of the key that was asked with."""

    def __init__(self) -> None:
        self.door, self.status, self.outcome, self.per_prompt = "", 0, OK, 1
        self.key = ""
        self.started: wire.Started | None = None
        self.first_token = 0.0
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
                self.first_token = self.first_token or event.timings.first_token
                if isinstance(event, wire.Interrupted):
                    self.failed(event.reason.code)
            case wire.Failed():
                self._usages[event.id] = event.usage
                self.failed(main_reason(event.reasons).code)

    def answered(self, said: Answer) -> None:
        """Take over what a whole answer tells."""
        self.started = wire.Started(0, said.tier, said.provider, said.model)
        self._usages, self.first_token = {0: said.usage}, said.timings.first_token

    def failed(self, code: str) -> None:
        """It ended with this."""
        self.outcome = code
        if code == Code.CANCELLED:
            self.status = CLIENT_LEFT
