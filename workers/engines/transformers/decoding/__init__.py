"""From tokens to the next ones: the forward passes, what of them is kept, guessed and chosen."""
