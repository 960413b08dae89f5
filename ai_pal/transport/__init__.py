"""ZeroMQ and the run directory: how messages get from one process of this user to another."""
