"""Whether HTML is harmless, by a parser that knows nothing of how it was made."""

from html.parser import HTMLParser

from ai_pal.gateway.page.code import CLASSES
from ai_pal.gateway.page.formulas import ATTRIBUTES, TAGS

_TEXT = {
    "a",
    "blockquote",
    "br",
    "code",
    "del",
    "div",
    "em",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "span",
    "strong",
    "ul",
}
_TABLE = {"table", "tbody", "td", "th", "thead", "tr"}
_HEADS = {f"h{level}" for level in range(1, 7)}
_OURS = {"formula", "table", "plain", "tex"}


class _Looks(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TEXT | _TABLE | _HEADS | TAGS:
            self.wrong.append(f"<{tag}>")
        for name, value in attrs:
            if not _may(tag, name, value or ""):
                self.wrong.append(f"<{tag} {name}={value!r}>")

    def handle_comment(self, data: str) -> None:
        self.wrong.append("a comment")

    def handle_decl(self, decl: str) -> None:
        self.wrong.append(decl)

    def handle_pi(self, data: str) -> None:
        self.wrong.append(data)


def _may(tag: str, name: str, value: str) -> bool:
    if name == "dir":
        return value == "auto"
    if name == "class":
        return value in CLASSES | _OURS
    if tag in TAGS and name in ATTRIBUTES:
        return "url(" not in value and ":" not in value
    match tag, name:
        case "a", "href":
            return value.lower().startswith(("https:", "http:", "mailto:"))
        case "a", "target" | "rel" | "data-to":
            return True
        case "pre", "data-language":
            return value.replace("-", "").replace("+", "").replace("#", "").replace(".", "").isidentifier()
        case "td" | "th", "data-align":
            return value in ("left", "right", "center")
        case "ol", "start":
            return value.isdigit()
    return False


def what_acts(html: str) -> list[str]:
    """What of it would act, or is nothing that a page shows."""
    looks = _Looks()
    looks.feed(html)
    looks.close()
    return looks.wrong
