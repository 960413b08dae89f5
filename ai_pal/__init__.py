"""AI-PAL: a local-first AI assistant. One command, one process per model, nothing leaves unasked."""

__version__ = "0.1.0"
