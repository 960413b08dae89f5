"""Model file formats, read no further than needed. Below everything: workers and supervisor share it."""
