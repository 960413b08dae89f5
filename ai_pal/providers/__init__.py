"""Who could answer elsewhere: how providers are set up, what they charge, how their models are called."""
