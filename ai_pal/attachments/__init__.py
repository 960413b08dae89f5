"""Files that go with a prompt: told apart by what they hold, bounded, and made parts of a message."""
