"""Who is in the pool: workers and the replicas of one model, by their names, and how far a load is."""
