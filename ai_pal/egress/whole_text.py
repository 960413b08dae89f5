"""Text that can be sent as UTF-8. JSON may cut a character outside the basic plane into two halves, and a
provider may put them into two pieces."""

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


class WholeText:
    """Joins halves of characters; a half that stays alone becomes U+FFFD."""

    def __init__(self) -> None:
        self._half = ""

    def add(self, piece: str) -> str:
        """This piece with what was held back before, as far as it is whole."""
        text, self._half = self._half + piece, ""
        if not _SURROGATE.search(text):
            return text
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
