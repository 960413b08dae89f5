"""Anthropic's protocol: bodies and events as its API reference publishes them."""
