"""From a reference to what a worker can load: its text, what it means here, and why it cannot be."""
