"""`ai-pal chat` in parts: pure ones (conversation, answer, figures, blocks) and the terminal's edge."""
