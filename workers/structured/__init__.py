"""What holds answers to a form, the same for every engine: one verdict on schemas, and what is compiled."""
