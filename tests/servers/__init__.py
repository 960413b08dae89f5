"""Real and scripted servers on loopback, for tests of what goes out of this machine."""
