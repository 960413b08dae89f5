"""What the user said to the model that was offered at the first conversation: it is asked once."""

import os
from collections.abc import Mapping

import msgspec

from ai_pal.config import paths
from ai_pal.config.whole_file import alone, write_whole


class Offer(msgspec.Struct, frozen=True):
    """A model, and whether it was wanted."""

    model: str
    agreed: bool


def read_offer(environ: Mapping[str, str] = os.environ) -> Offer | None:
    """None: nothing was offered yet. What cannot be read was a no: nobody is asked twice."""
    try:
        return msgspec.json.decode(paths.offer_file(environ).read_bytes(), type=Offer)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError):
        return Offer("", agreed=False)


def remember_offer(offer: Offer, environ: Mapping[str, str] = os.environ) -> None:
    """Whole or not at all. Raises OSError."""
    file = paths.offer_file(environ)
    with alone(file.parent):
        write_whole(file, msgspec.json.format(msgspec.json.encode(offer)) + b"\n")
