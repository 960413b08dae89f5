"""How much memory a model needs: from the headers of its files, corrected by what it took last time."""

from ai_pal.memory.estimates.estimate import blocks_of, window_of
from ai_pal.memory.estimates.footprints import LearnedFootprints

__all__ = ["LearnedFootprints", "blocks_of", "window_of"]
