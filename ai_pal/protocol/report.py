"""What a starting supervisor tells whoever started it."""

import msgspec

from ai_pal.errors import Failure


class Report(msgspec.Struct):
    """Written to the pipe that a starting supervisor was given, as one line of JSON."""

    endpoint: str = ""
    failure: Failure | None = None
