"""The page's part of the table of routes. All but what begins it, and signs in, is the owner's alone."""

from typing import Any

from ai_pal.gateway import operations
from ai_pal.gateway.page import setup
from ai_pal.gateway.page.lists import Change
from ai_pal.gateway.page.model_settings import Own
from ai_pal.gateway.page.models import Order
from ai_pal.gateway.page.page import Key, Opinion, Page, Stop
from ai_pal.gateway.page.page_presets import Saved
from ai_pal.gateway.page.questions import File, Question
from ai_pal.gateway.route import PAGE, Route

SHELL = "/page"
"""What a browser is shown at `/`."""

_ENCODINGS = ("accept-encoding",)


def page_routes(page: Page) -> list[Route]:
    """What our own page asks."""
    return [
        _told(SHELL, page.shell, alone=True, anybody=True, heeds=_ENCODINGS, media_type="text/html"),
        _told("/page/files/{version}/{name}", page.file, alone=True, anybody=True, heeds=_ENCODINGS),
        _asked("/page/sign-in", page.sign_in, Key, alone=True, anybody=True),
        _asked("/page/sign-out", page.sign_out, None, alone=True, anybody=True),
        _told("/page/state", page.state, alone=True),
        _told("/page/conversations", page.conversations, alone=True, query=("query", "tag")),
        _told("/page/conversation", page.conversation, alone=True, query=("id", "before", "count")),
        _told("/page/export", page.export, alone=True, query=("id", "format")),
        _told("/page/attachment", page.attachment, alone=True, query=("id", "turn", "file")),
        _told("/page/usage", page.usage, alone=True),
        _told("/page/log", setup.log, alone=True),
        _told("/page/model-settings", setup.settings, alone=True, query=("model",)),
        _asked("/page/model-settings", setup.set_settings, Own, alone=True),
        _told("/page/preset", setup.preset, alone=True, query=("name",)),
        _asked("/page/preset", setup.save_preset, Saved, alone=True),
        _told("/page/models", page.models, alone=True),
        _told("/page/elsewhere", page.elsewhere),
        _told("/page/live", page.live, starts=False, query=("stream",)),
        _told("/page/run", page.run, alone=True, query=("run", "stream")),
        _asked("/page/change", page.change, Change, alone=True),
        _asked("/page/attach", page.attach, File, alone=True),
        _asked("/page/rate", page.rate, Opinion, alone=True),
        _asked("/page/stop", page.stop, Stop, alone=True),
        _asked("/page/model", page.model, Order),
        _asked("/page/ask", page.ask, Question),
    ]


def _told(path: str, tells: Any, **what: Any) -> Route:
    return _route("GET", path, tells=tells, **what)


def _asked(path: str, asks: Any, body: Any, **what: Any) -> Route:
    return _route("POST", path, asks=asks, body=body, **what)


def _route(method: str, path: str, **what: Any) -> Route:
    return Route(method, path, PAGE, operations.error_body, **what, private=not what.get("anybody"))
