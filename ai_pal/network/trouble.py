"""Why the network gave nothing, in words for people. What a provider or a hub makes of it is theirs."""

import msgspec


class Trouble(msgspec.Struct, frozen=True):
    """`reason` goes on after "could not be reached: "; `hint` says what to do, "" where nothing is known
    beyond the ordinary."""

    reason: str
    hint: str = ""


class Blocked(Exception):  # noqa: N818 (it never leaves the process)
    """There is no way out as things are set up, or a proxy has let nothing through."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.trouble = Trouble(reason, hint)
