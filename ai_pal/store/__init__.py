"""What is kept: the ledger of attempts and the conversations, in one SQLite database of the user's."""
