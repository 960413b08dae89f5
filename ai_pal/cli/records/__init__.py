"""Commands that tell what was: kept conversations, and what was spent and saved."""
