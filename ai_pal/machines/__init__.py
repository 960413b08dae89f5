"""Other machines of the user's: their supervisors, reached through the system's OpenSSH."""
