"""Markdown as HTML that a page may show. What models write is hostile: no HTML, script, style or link of
theirs acts. The parser passes no HTML on, and what comes out of it goes through an allow-list. Pure."""

import re
from collections.abc import MutableMapping, Sequence
from html import escape
from typing import Any
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from ai_pal.conversations.neutral import neutral, neutral_line
from ai_pal.gateway.page.brackets import brackets
from ai_pal.gateway.page.code import CLASSES, highlighted
from ai_pal.gateway.page.formulas import ATTRIBUTES, TAGS, formula

LONGEST = 16_000
LONGEST_CODE = 64_000
"""Characters of a block; a longer one is shown as plain text: time grows faster than hostile text."""

_SCHEMES = ("http", "https", "mailto")
_TASK = re.compile(r"\[([ xX])\] +(?=\S)")
_LANGUAGE = re.compile(r"[\w+#.-]{1,24}")

_WRITTEN = ("blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ol", "p", "ul")

_CLEANER = nh3.Cleaner(
    tags={"a", "blockquote", "br", "code", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li"}
    | {"ol", "p", "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"}
    | TAGS,
    clean_content_tags={"script", "style"},
    attributes={"a": {"href", "data-to", "target"}, "pre": {"data-language"}, "ol": {"start"}}
    | {tag: set(ATTRIBUTES) for tag in TAGS},
    tag_attribute_values={tag: {"dir": {"auto"}} for tag in _WRITTEN}
    | {tag: {"dir": {"auto"}, "data-align": {"left", "right", "center"}} for tag in ("td", "th")},
    set_tag_attribute_values={"a": {"target": "_blank"}},
    link_rel="noopener noreferrer nofollow",
    url_schemes=set(_SCHEMES),
    url_relative="deny",
    allowed_classes={
        "span": {*CLASSES, "formula"},
        "code": {"tex"},
        "div": {"table", "formula"},
        "li": {"task"},
        "pre": {"plain"},
    },
)

Tokens = Sequence[Token]
Env = MutableMapping[str, Any]


class _Shown(RendererHTML):
    """Writes the HTML of tokens."""

    def fence(self, tokens: Tokens, at: int, options: Any, env: Env) -> str:
        token = tokens[at]
        language = (_LANGUAGE.match(token.info.strip()) or [""])[0]
        return _code(token.content, language)

    def code_block(self, tokens: Tokens, at: int, options: Any, env: Env) -> str:
        return _code(tokens[at].content, "")

    def image(self, tokens: Tokens, at: int, options: Any, env: Env) -> str:
        """As a link: nothing is fetched that nobody has asked for."""
        token = tokens[at]
        about = self.renderInlineAsText(token.children or [], options, env)
        return f"{_opening(str(token.attrs.get('src', '')))}{escape(about or 'image')}</a>"

    def link_open(self, tokens: Tokens, at: int, options: Any, env: Env) -> str:
        return _opening(str(tokens[at].attrs.get("href", "")))

    def table_open(self, tokens: Tokens, at: int, options: Any, env: Env) -> str:
        return '<div class="table"><table>'

    def table_close(self, tokens: Tokens, at: int, options: Any, env: Env) -> str:
        return "</table></div>"

    def td_open(self, tokens: Tokens, at: int, options: Any, env: Env) -> str:
        return _cell(tokens[at])

    th_open = td_open

    def math_inline(self, tokens: Tokens, at: int, options: Any, env: Env) -> str:
        return formula(tokens[at].content, display=False)

    def math_block(self, tokens: Tokens, at: int, options: Any, env: Env) -> str:
        return f'<div class="formula">{formula(tokens[at].content, display=True)}</div>'

    math_block_label = math_block

    def math_inline_double(self, tokens: Tokens, at: int, options: Any, env: Env) -> str:
        return f'<span class="formula">{formula(tokens[at].content, display=True)}</span>'


def _tasks(state: StateCore) -> None:
    """Items that begin with `[ ]` or `[x]` are shown as done or to be done."""
    for item, inside, text in zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False):
        found = _TASK.match(text.content) if text.type == "inline" else None
        if found and (item.type, inside.type) == ("list_item_open", "paragraph_open"):
            item.attrSet("class", "task")
            text.content = f"{'☐' if found[1] == ' ' else '☑'} {text.content[found.end() :]}"


def _directed(state: StateCore) -> None:
    """Each paragraph, heading and cell is written in the direction of its own first letters."""
    for token in state.tokens:
        if token.nesting == 1 and token.tag in _WRITTEN:
            token.attrSet("dir", "auto")


def _parser() -> MarkdownIt:
    """The rules by which answers are read."""
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}, renderer_cls=_Shown)
    parser.enable(["strikethrough", "table"]).disable(["html_block", "html_inline"])
    parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)
    parser.use(brackets)
    for name in ("math_inline", "math_inline_double", "math_block", "math_block_label"):
        parser.add_render_rule(name, getattr(_Shown, name))
    parser.core.ruler.before("inline", "tasks", _tasks)
    parser.core.ruler.push("direction", _directed)
    parser.validateLink = _may_be_followed  # type: ignore[method-assign]
    return parser


def block_parser() -> MarkdownIt:
    """The same rules for blocks alone: what `BlockSplitter` splits by."""
    return _parser().disable(["inline"])


def shown(block: str) -> str:
    """A block of neutral Markdown, whole or still growing, as HTML."""
    if len(block) > (LONGEST_CODE if block.startswith(("```", "~~~")) else LONGEST):
        return plain(block)
    try:
        told = str(_PARSER.render(block))
    except RecursionError:
        return plain(block)
    return _CLEANER.clean(neutral(told))


def plain(block: str) -> str:
    """A block as it is written."""
    return f'<pre class="plain">{escape(neutral(block))}</pre>'


def _may_be_followed(url: str) -> bool:
    return url.strip().lower().startswith(tuple(f"{scheme}:" for scheme in _SCHEMES))


def _opening(url: str) -> str:
    """A link that says where it leads."""
    try:
        to = urlsplit(url).netloc.rpartition("@")[2] or urlsplit(url).scheme
    except ValueError:
        return "<a>"
    return f'<a href="{escape(neutral_line(url))}" data-to="{escape(neutral_line(to))}">'


def _cell(token: Token) -> str:
    """Its alignment, which the parser writes as a style."""
    side = str(token.attrs.get("style", "")).removeprefix("text-align:")
    aligned = f' data-align="{side}"' if side in ("left", "right", "center") else ""
    return f'<{token.tag} dir="auto"{aligned}>'


def _code(code: str, language: str) -> str:
    named = f' data-language="{language}"' if language else ""
    return f"<pre{named}><code>{highlighted(code, language)}</code></pre>"


_PARSER = _parser()
