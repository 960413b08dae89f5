"""The pool: one worker per model, one process per worker, every request ended exactly once."""
