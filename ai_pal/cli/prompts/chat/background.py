"""A download beside a conversation, in a thread with a connection of its own."""

import threading

from ai_pal.errors import AiPalError, Code, Failure

FETCHED = "is fetched beside this conversation; what has come is kept if you leave"


class Background:
    """Fetches `model`; `note` is how far that is. It ends with the conversation: what has come is kept. With
    `told` the user knows of it, and hears why it fails; otherwise it goes on from an earlier conversation,
    and where the hub is out of reach nothing is said: it will be tried again."""

    def __init__(self, endpoint: str, model: str, *, told: bool = True) -> None:
        self.model = model
        self.note = f"{model}: on its way" if told else ""
        self._told, self._comes = told, False
        self._failure: Failure | None = None
        self._ended = threading.Event()
        self._told_of_end = False
        threading.Thread(target=self._run, args=(endpoint,), name=f"fetch {model}", daemon=True).start()

    @property
    def under_way(self) -> bool:
        return not self._ended.is_set()

    def news(self) -> str:
        """What is to be said of it, each once; "" for nothing."""
        if self.under_way:
            if self._told or not self._comes:
                return ""
            self._told = True
            return f"{self.model} {FETCHED}"
        if self._told_of_end:
            return ""
        self._told_of_end, self.note = True, ""
        if (failure := self._failure) is None:
            return f"{self.model} is here and answers from now on"
        if failure.code == Code.OFFLINE and not self._told:
            return ""
        hint = f"; {failure.hint}" if failure.hint else ""
        return f"{self.model} was not fetched: {failure.message}{hint}; again: ai-pal pull {self.model}"

    def _run(self, endpoint: str) -> None:
        from ai_pal.client import Client
        from ai_pal.protocol.client import Pulling

        begun = None
        try:
            with Client(endpoint) as client:
                for event in client.pull(self.model):
                    if isinstance(event, Pulling) and event.total:
                        begun = event.done if begun is None else begun
                        self._comes = self._comes or event.done > begun
                        if self._told or self._comes:
                            self.note = f"{self.model}: {event.done / event.total:.0%} downloaded"
        except AiPalError as error:
            self._failure = error.failure
        finally:
            self._ended.set()
