"""Files of models: which are one, how they are called, how large they are, what they tell before a load."""
