"""A program `vllm` for tests: strict about its arguments, and it answers as vLLM's server does."""

from pathlib import Path

FOLDER = Path(__file__).parent
"""In front of the path it is the one that is found."""
