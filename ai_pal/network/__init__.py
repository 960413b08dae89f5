"""The way out: which proxy stands before a host, whose certificates are trusted, what failed on the way."""
