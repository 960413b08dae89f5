"""OpenAI's protocol: bodies as its API reference publishes them, and what local servers have added to it."""
