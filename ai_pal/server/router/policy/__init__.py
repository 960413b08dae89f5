"""Who is asked for an answer, in which order, and what happens when one gives none.

Pure: no I/O, no clock."""
