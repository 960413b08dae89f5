"""Models known by name: what is said about each, how people and Ollama call them."""
