"""Memory for loads where there are nodes: which has room for it, on which cards, what speaks against one."""
