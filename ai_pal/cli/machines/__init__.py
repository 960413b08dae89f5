"""Commands for other machines of the user's and nodes of a cluster, and what others do there."""
