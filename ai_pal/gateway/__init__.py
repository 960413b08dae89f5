"""The HTTP gateway: a process of its own that speaks the protocols of OpenAI, Anthropic and Ollama to its
clients, and is itself a client of the supervisor."""
