"""OpenAI's chat completions, and every server that speaks the same: the adapter, and what is sent."""
