"""Cohere's chat: the adapter, and what is sent."""
