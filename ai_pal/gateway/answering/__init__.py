"""The answer on its way out: sent as it comes or whole, several as one, with receipts and a record of it."""
