"""The page of a server in the user's browser."""

import threading
import webbrowser

_ANY = {"//0.0.0.0:": "//127.0.0.1:", "//[::]:": "//[::1]:"}
"""Where a server listens that does so everywhere, and where a browser finds it."""


def page_of(where: str) -> str:
    """The address of the page."""
    for everywhere, here in _ANY.items():
        where = where.replace(everywhere, here)
    return f"{where}/"


def open_page(where: str) -> None:
    """Open it. A browser that runs in a terminal would not come back, so nobody waits for it."""
    threading.Thread(target=webbrowser.open, args=(page_of(where),), name="browser", daemon=True).start()
