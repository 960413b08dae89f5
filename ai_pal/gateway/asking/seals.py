"""Thoughts in the hands of clients: many send back only those that are signed or sealed, so all are. Pure."""

import base64

import msgspec

UNSIGNED = "ai-pal:unsigned"
"""In place of a signature, where nobody has signed."""

_SEAL = "ai-pal:"


class Thought(msgspec.Struct, array_like=True):
    """`signature` is that of the provider whose model thought it, empty for none."""

    text: str
    signature: str = ""


_THOUGHT = msgspec.json.Decoder(Thought)


def shown(signature: str) -> str:
    """A signature as clients get it."""
    return signature or UNSIGNED


def meant(shown_one: str) -> str:
    """The signature that clients send back."""
    return "" if shown_one == UNSIGNED else shown_one


def sealed(text: str, signature: str) -> str:
    """A thought as one opaque text: some clients keep nothing else of it."""
    return _SEAL + base64.b64encode(msgspec.json.encode(Thought(text, signature))).decode()


def opened(seal: str) -> Thought | None:
    """What was sealed here; None for a seal of somebody else, and for none."""
    if not seal.startswith(_SEAL) or seal == UNSIGNED:
        return None
    try:
        return _THOUGHT.decode(base64.b64decode(seal.removeprefix(_SEAL), validate=True))
    except (ValueError, msgspec.MsgspecError):
        return Thought("")
