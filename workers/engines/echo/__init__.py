"""The echo engine for tests: deterministic, without a model, and it misbehaves on request (see `engine`)."""
