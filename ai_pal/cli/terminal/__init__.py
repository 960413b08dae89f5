"""What commands share: their options and errors, safe text, tables, progress, the user's editor."""
