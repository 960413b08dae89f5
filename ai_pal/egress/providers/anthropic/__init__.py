"""Anthropic's messages: the adapter, and what is sent."""
