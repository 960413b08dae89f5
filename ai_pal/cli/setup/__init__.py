"""Commands for how AI-PAL is set up: settings, keys, consent, checks, completion, help."""
