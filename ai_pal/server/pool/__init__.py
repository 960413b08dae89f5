"""The pool: one worker per model or replica, one process per worker, every request ended exactly once."""
