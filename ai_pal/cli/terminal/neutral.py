"""Text that is harmless to a terminal: what every face shows is made so in the same way."""

from ai_pal.conversations.neutral import neutral, neutral_line

__all__ = ["neutral", "neutral_line"]
