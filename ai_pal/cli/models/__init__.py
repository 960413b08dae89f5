"""Commands for models on disk: which are here, which can be fetched, fetching, naming and removing them."""
