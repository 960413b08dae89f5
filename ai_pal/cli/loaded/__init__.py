"""Commands for models in memory: loading and unloading, watching and measuring them."""
