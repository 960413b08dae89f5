"""Who may ask over HTTP: keys and their rights, browsers that have signed in, and how much at a time."""
