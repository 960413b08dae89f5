"""What workers are asked: a job and how it ends, the queue that is fair, and which prompts begin alike."""
