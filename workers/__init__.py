"""What runs in a worker process: one model, one engine, one loop."""
