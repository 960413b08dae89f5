"""The vLLM engine: one model over several nodes, in processes of vLLM's own (see `engine`)."""
