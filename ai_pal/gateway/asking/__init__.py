"""What is asked: a request in AI-PAL's own terms, whichever protocol it came in, and what it may name."""
