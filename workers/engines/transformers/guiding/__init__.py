"""What an answer is held to, token by token: a schema, calls that must come, how long it may think."""
