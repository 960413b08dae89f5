"""Commands for what runs: the supervisor and its log, the gateway, and agents that ask there."""
