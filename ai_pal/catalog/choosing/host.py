"""This machine as the choice of a model sees it. Pure: whoever looks at the real one fills it in."""

from typing import NamedTuple

REST = 0.8
"""The part of a machine's memory that a model may have: the rest is for the system and the programs."""


class Gpu(NamedTuple):
    """A graphics card that llama.cpp computes on: bytes of memory, bytes that it reads in a second."""

    name: str
    memory: int
    bandwidth: float


class Host(NamedTuple):
    """`memory` is all that the machine has and `disk` what is free where models lie, in bytes; `bandwidth` is
    what its cores together read from memory, in bytes a second; `installed` are the engines."""

    memory: int
    cores: int
    bandwidth: float
    disk: int
    installed: frozenset[str] = frozenset()
    gpu: Gpu | None = None
