"""Models that make vectors or judge texts: no answer is written, so there is no batch."""
