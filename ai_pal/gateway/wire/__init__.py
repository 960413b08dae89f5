"""HTTP itself: connections, limits, bodies, headers and statuses, the same for all protocols over it."""
