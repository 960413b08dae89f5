"""From a model's folder to a model in memory: what it says before that, where it goes, in what numbers."""
