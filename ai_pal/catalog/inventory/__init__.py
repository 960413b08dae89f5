"""Which models are here, what each can and weighs, whether there is a newer one, and taking one out."""
