"""`ai-pal top` in parts: pure ones (choosing, screen) and the terminal's edge."""
