"""What commands share of the terminal: safe text, tables, progress, the user's editor."""
