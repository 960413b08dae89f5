"""What a model needs, in two parts that are known at different times."""

import msgspec

MIB = 1 << 20


class Footprint(msgspec.Struct, frozen=True):
    """Bytes: resident when the load is done, and what requests up to a full window add."""

    loaded: int
    growth: int = 0

    @property
    def total(self) -> int:
        return self.loaded + self.growth
