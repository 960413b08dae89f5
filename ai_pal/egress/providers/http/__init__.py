"""HTTP below all SDKs: clients, what one attempt sees of its connection, and what goes wrong with it."""
