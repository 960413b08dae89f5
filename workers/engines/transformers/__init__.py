"""The transformers engine: Hugging Face models, many conversations in one batch (see `engine`)."""
