"""Markdown of models as HTML: shown as it was meant, and nothing of it acts."""

import time

import pytest

from ai_pal.gateway.page.code import highlighted
from ai_pal.gateway.page.markdown import LONGEST, shown
from tests.unit.gateway.page.attacks import KINDS, combined, written_out
from tests.unit.gateway.page.harmless import what_acts

HOSTILE = combined(400)
AWAY = 'target="_blank" rel="noopener noreferrer nofollow"'


def test_there_are_enough_attacks() -> None:
    assert len(set(KINDS)) >= 140
    assert len({*KINDS, *HOSTILE}) >= 500


def test_what_looks_for_attacks_finds_them() -> None:
    for bad in (
        "<script>",
        "<p id=x>",
        "<a href='javascript:x'>",
        "<p style=x>",
        "<p class=app>",
        "<!-- x -->",
    ):
        assert what_acts(bad), bad


@pytest.mark.parametrize("text", KINDS)
def test_nothing_of_an_attack_acts(text: str) -> None:
    assert what_acts(shown(text)) == []


def test_nothing_of_an_attack_within_markdown_acts() -> None:
    for text in HOSTILE:
        assert what_acts(shown(text)) == [], text


@pytest.mark.parametrize("part", range(4))
def test_nothing_of_it_acts_wherever_it_is_cut(part: int) -> None:
    for text in (*KINDS, *HOSTILE)[part::4]:
        for so_far in written_out(text):
            assert what_acts(shown(so_far)) == [], (text, so_far)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**a** *b* ~~c~~ `d`", "<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>"),
        ("a\nb", "<p>a<br>\nb</p>"),
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>"),
        ("3. c", '<ol start="3">\n<li>c</li>\n</ol>'),
        ("|a|b|\n|-|-:|\n|1|2|", '<td data-align="right">2</td>'),
        ("```nonsense\n<x>\n```", '<pre data-language="nonsense"><code>&lt;x&gt;\n</code></pre>'),
        ("```py\ndef f\n```", '<span class="t-k">def</span>'),
        ("$a^2$", '<math display="inline"><mrow><msup><mi>a</mi><mn>2</mn></msup></mrow></math>'),
        (r"\(b\)", '<math display="inline"><mrow><mi>b</mi></mrow></math>'),
        ("\\[\na\n\n+ b\n\\]", '<div class="formula"><math display="block">'),
        ("it costs $5, or $6", "<p>it costs $5, or $6</p>"),
        (r"`\(x\)`", r"<code>\(x\)</code>"),
        (r"$\text{<b>x&y}$", "<mtext>&lt;b&gt;x&amp;y</mtext>"),
        ("$a<b$", "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"),
        ("- [ ] a\n- [x] b", '<li class="task">☐ a</li>\n<li class="task">☑ b</li>'),
        ("[ ] a", "<p>[ ] a</p>"),
        (r"$\frac$", '<code class="tex">\\frac</code>'),
        ("a\u202eb \x1b[1m", "<p>a\ufffdb \u241b[1m</p>"),
        ("[a](https://e.example/x)", f'<a href="https://e.example/x" data-to="e.example" {AWAY}>a</a>'),
        ("![p](https://e.example/p)", f'<a href="https://e.example/p" data-to="e.example" {AWAY}>p</a>'),
    ],
)  # fmt: skip
def test_markdown_is_shown(text: str, html: str) -> None:
    assert html in shown(text).replace(' dir="auto"', "")


def test_what_is_too_long_is_shown_as_it_is() -> None:
    assert shown("*a* " * (LONGEST // 4 + 1)).startswith('<pre class="plain">*a* *a*')


@pytest.mark.parametrize(("name", "line"), [("perl", "s{"), ("latex", "$"), ("bash", "${"), ("html", "<a ")])
def test_no_language_takes_long_whatever_is_written_in_it(name: str, line: str) -> None:
    code = "\n".join([line * (900 // len(line))] * 20)
    began = time.process_time()
    html = highlighted(code, name)
    assert time.process_time() - began < 2
    assert what_acts(f"<pre><code>{html}</code></pre>") == []


@pytest.mark.parametrize("text", ["[", "![", r"\(", r"\[", "$", "**a ", "[a](", "<", "`", "> ", "- ", "|a"])
def test_no_block_takes_long(text: str) -> None:
    began = time.process_time()
    shown(text * (LONGEST // len(text)))
    assert time.process_time() - began < 5
