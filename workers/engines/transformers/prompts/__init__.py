"""From jobs to prompts: what a model's template and tokenizer make of messages, pictures and text."""
