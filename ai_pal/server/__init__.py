"""The supervisor: one process that answers clients, chooses who computes, and owns the workers."""
