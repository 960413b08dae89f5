"""`ai-pal bench` in parts: pure ones (figures, report) and what asks the supervisor."""
