"""How many bytes a tensor takes, by ggml's number of its data type."""

BLOCKS = {
    **{kind: (1, size) for kind, size in {0: 4, 1: 2, 24: 1, 25: 2, 26: 4, 27: 8, 28: 8, 30: 2}.items()},
    **{kind: (32, size) for kind, size in {2: 18, 3: 20, 6: 22, 7: 24, 8: 34, 20: 18, 39: 17}.items()},
    **{kind: (256, size) for kind, size in {10: 84, 11: 110, 12: 144, 13: 176, 14: 210}.items()},
    **{kind: (256, size) for kind, size in {16: 66, 17: 74, 18: 98, 19: 50, 21: 110, 22: 82}.items()},
    **{kind: (256, size) for kind, size in {23: 136, 29: 56, 34: 54, 35: 66}.items()},
}
"""Numbers in a block, and its bytes."""


def bytes_of(kind: int, weights: int) -> int:
    """0 for a type that is not known here."""
    numbers, size = BLOCKS.get(kind, (1, 0))
    return weights // numbers * size
