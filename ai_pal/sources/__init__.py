"""Where models come from: a small seam, with packages and local files behind it."""

from ai_pal.sources.pulling import pull

__all__ = ["pull"]
