"""Jobs and unloads brought to workers: who takes them, on which terms, and what those hear who wait."""
