"""The page: what a browser shows at `/`. Rendered here, sent as events; docs/page.md tells what it can."""
