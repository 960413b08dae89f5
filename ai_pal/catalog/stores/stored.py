"""A model that another program keeps on this machine."""

import msgspec

from ai_pal.protocol.options import GenerationOptions


class Stored(msgspec.Struct, frozen=True):
    """`name` as its program, or people, call it; `size` in bytes, `projector` is what it sees with, "" for
    none known. `sampling` is what its program samples it with. `remove` is the command that removes it, and
    `mend` the one that fetches it again; `problem` is why it cannot be used."""

    store: str
    name: str
    path: str
    size: int
    projector: str = ""
    sampling: GenerationOptions = GenerationOptions()
    remove: str = ""
    problem: str = ""
    mend: str = ""
