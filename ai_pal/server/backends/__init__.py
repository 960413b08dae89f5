"""Who has models: the workers of this machine, and the providers behind the egress process."""
