"""The local model goes first, and its own doubt says whether somebody stronger is asked. Pure."""
