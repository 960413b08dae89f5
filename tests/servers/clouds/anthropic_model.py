"""What Anthropic's models take, as the strict cloud knows it."""

import msgspec


class Model(msgspec.Struct, frozen=True):
    """`most` is the longest answer. `samples`: "both" of temperature and top_p, "one", or not at all ("").
    `thinks`: with a "budget", "adaptive", "both", "always" adaptive, or not at all (""); `by_default` where
    that is not spoken of. `forms`: it keeps to schemas."""

    most: int
    samples: str = "one"
    prefills: bool = True
    window: int = 200_000
    thinks: str = "budget"
    by_default: bool = False
    forms: bool = True
