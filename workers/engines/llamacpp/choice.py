"""Whether an answer that may be calls or of a form is the one or the other, while it is generated."""

from typing import NamedTuple

from workers.engines.llamacpp.calls import ARGUMENTS
from workers.structured.watch import Watch


class Decided(NamedTuple):
    """`text` is all that was held back; `watch` goes on behind it, None where it is neither."""

    are_calls: bool
    text: str
    watch: Watch | None


class Choice:
    """Of one answer, between two grammars in Lark. Text is held back while it fits both."""

    def __init__(self, calls: str, form: str) -> None:
        self._calls, self._form = Watch(calls), Watch(form)
        self._held = ""

    def push(self, text: str) -> Decided | None:
        """None while it can be either."""
        self._held += text
        may_call, may_say = self._calls.take(text), self._form.take(text)
        if may_call and may_say:
            return None
        return Decided(may_call, self._held, (self._calls if may_call else self._form if may_say else None))

    def end(self, *, cut: bool) -> Decided:
        """At the end of what fits both: calls if it begins with all that one begins with, unless it ends
        where they do not."""
        are_calls = ARGUMENTS in self._held and (cut or self._calls.complete)
        return Decided(are_calls, self._held, self._calls if are_calls else self._form)
