"""Answers in the making, and the one thread that computes them together."""
