"""Launchers: how a worker process comes to be. Here as subprocesses, elsewhere beside an agent."""
