"""Lines of a stream as it comes in. Pure."""

from collections.abc import Iterator


class Lines:
    """Splits at LF, CR LF and CR, and nothing else. A line is given out at once: a CR at the end of a piece
    does not wait for its LF. What is not UTF-8 is in the charset that the server named, or is replaced."""

    def __init__(self, charset: str = "") -> None:
        self._charset = charset if _is_known(charset) else "utf-8"
        self._rest: list[bytes] = []
        self._after_cr = False

    def feed(self, data: bytes) -> Iterator[str]:
        """The lines that end in this piece."""
        if self._after_cr and data:
            data, self._after_cr = data.removeprefix(b"\n"), False
        self._after_cr = self._after_cr or data.endswith(b"\r")
        *whole, rest = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in whole:
            yield self._text(line)
        self._rest.append(rest)

    def close(self) -> str:
        """The last line, if nothing ended it."""
        return self._text(b"")

    def _text(self, end: bytes) -> str:
        line = b"".join([*self._rest, end])
        self._rest.clear()
        try:
            return line.decode()
        except UnicodeDecodeError:
            return line.decode(self._charset, "replace")


def _is_known(charset: str) -> bool:
    """Whether it is a charset whose lines end as those of ASCII."""
    try:
        return "a\n".encode(charset) == b"a\n"
    except (LookupError, ValueError):
        return False
