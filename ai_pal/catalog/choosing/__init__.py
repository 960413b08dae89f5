"""This machine, and which model or variant of one suits it."""
