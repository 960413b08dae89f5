"""The supervisor: one slot per model, one process per slot, every request ended exactly once."""
