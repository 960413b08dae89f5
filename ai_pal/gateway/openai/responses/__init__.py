"""OpenAI's responses: items in, items out, and what is kept of them."""
