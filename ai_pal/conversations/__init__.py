"""Conversations as they are held and kept, without any terminal: every face of AI-PAL shares them."""
