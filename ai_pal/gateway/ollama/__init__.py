"""Ollama's protocol, as docs/api.md of Ollama 0.13 has it: one JSON object a line."""
