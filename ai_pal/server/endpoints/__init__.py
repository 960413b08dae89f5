"""Where connections arrive: clients at one socket, workers and the egress process at the other."""
