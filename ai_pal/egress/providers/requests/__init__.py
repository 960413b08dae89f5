"""What a request may hold: turns, schemas, thinking, and what each model does not take. Pure."""
