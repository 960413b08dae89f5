"""An answer's text as it comes, cut into parts: what was thought and said, what tools are called. Pure."""
