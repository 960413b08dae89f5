"""Launchers: how a worker process comes to be. Local subprocesses now."""
