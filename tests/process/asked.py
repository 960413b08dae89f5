"""An answer under way: what was heard of it so far, and how long its end may take."""

import contextlib

from ai_pal.client import Client
from ai_pal.errors import AiPalError
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from tests.process.answers import ENDLESS, PROMPT, slow
from workers.engines.echo.text import reference

SECONDS = 60.0


class Asked:
    """One request. `lost` is set when the supervisor went away before its end."""

    prompt = PROMPT

    def __init__(
        self, client: Client, model: str, options: GenerationOptions | None = None, /, **extra: object
    ) -> None:
        self.client, self.model = client, model
        self.stream = client.chat(self.prompt, model=model, options=options or slow(**extra), pull=True)
        self.wanted = int(str(extra.get("tokens", ENDLESS)))
        self.events: list[wire.AnyEvent] = []
        self.lost: AiPalError | None = None

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, wire.Delta))

    def is_prefix(self, tokens: int) -> bool:
        """Whether the text is the beginning of what was to come, of so many tokens."""
        return self.text == "".join(reference([Message("user", self.prompt)], tokens))

    @property
    def end(self) -> wire.AnyEvent | None:
        return self.events[-1] if self.events and isinstance(self.events[-1], wire.TERMINAL) else None

    def until(self, kind: type[wire.Event], within: float = SECONDS) -> "Asked":
        """Listen until an event of this kind, or the end. Raises `AiPalError` when neither comes in time."""
        if self.end is not None:
            return self
        for event in self.stream.within(within):
            self.events.append(event)
            if isinstance(event, (kind, *wire.TERMINAL)):
                break
        return self

    def finish(self, within: float) -> bool:
        """Listen to the end; False when it did not come in time."""
        try:
            self.until(wire.Done, within)
        except AiPalError as error:
            if error.code != "supervisor_lost":
                return False
            self.lost = error
        return True

    def cancel(self) -> None:
        with contextlib.suppress(AiPalError):
            self.stream.cancel()
