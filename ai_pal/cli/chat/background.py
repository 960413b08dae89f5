"""A download beside a conversation, in a thread with a connection of its own."""

import threading

from ai_pal.errors import AiPalError, Failure


class Background:
    """Fetches `model`; `note` is how far that is. It ends with the conversation: what has come is kept."""

    def __init__(self, endpoint: str, model: str) -> None:
        self.model = model
        self.note = f"{model}: on its way"
        self._failure: Failure | None = None
        self._ended = threading.Event()
        self._told = False
        threading.Thread(target=self._run, args=(endpoint,), name=f"fetch {model}", daemon=True).start()

    @property
    def under_way(self) -> bool:
        return not self._ended.is_set()

    def news(self) -> str:
        """What is to be said of its end, once; "" for nothing."""
        if self.under_way or self._told:
            return ""
        self._told, self.note = True, ""
        if (failure := self._failure) is None:
            return f"{self.model} is here and answers from now on"
        hint = f"; {failure.hint}" if failure.hint else ""
        return f"{self.model} was not fetched: {failure.message}{hint}; again: ai-pal pull {self.model}"

    def _run(self, endpoint: str) -> None:
        from ai_pal.client import Client
        from ai_pal.protocol.client import Pulling

        try:
            with Client(endpoint) as client:
                for event in client.pull(self.model):
                    if isinstance(event, Pulling) and event.total:
                        self.note = f"{self.model}: {event.done / event.total:.0%} downloaded"
        except AiPalError as error:
            self._failure = error.failure
        finally:
            self._ended.set()
