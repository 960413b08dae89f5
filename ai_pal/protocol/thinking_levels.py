"""How hard to think, for who counts tokens and knows no levels. Pure."""

BUDGETS = {"low": 1024, "medium": 4096, "high": 16_384}
"""Tokens of a thought, by the level that is wished."""
