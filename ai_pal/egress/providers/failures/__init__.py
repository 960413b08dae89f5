"""From what a provider says of an error to the one error taxonomy. Pure."""
