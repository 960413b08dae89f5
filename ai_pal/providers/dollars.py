"""US dollars as people read them."""

import math

SMALLEST = 1e-9
"""US dollars that are as good as none."""


def dollars(amount: float) -> str:
    """To the cent, less than one to two digits: `$1.25`, `$0.025`, `$0.000012`."""
    places = 2 if amount >= 1 or amount < SMALLEST else 1 - math.floor(math.log10(amount))
    return f"${amount:.{max(2, places)}f}"


def fine(amount: float) -> str:
    """To a hundredth of a cent, less than that to two digits: `$0.0247`, `$0.000012`."""
    return f"${amount:.4f}" if amount >= 0.0001 else dollars(amount)
