"""Ollama: the adapter, what is sent, the server behind it, and its window."""
