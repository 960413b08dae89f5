"""What templates are written with, a feature each; some is written by nobody but who attacks."""

FEATURES = {
    "tojson": "{{ {'a': 'é\\\"<>&\\'', 'b': [1, 2.5, true, none]} | tojson }}",
    "tojson indent": "{{ {'a': [1, {'b': 2}], 'c': {}} | tojson(indent=2) }}",
    "tojson sep": "{{ {'a': [1, 2]} | tojson(separators=(',', ':')) }}",
    "tojson ascii": "{{ 'é' | tojson(ensure_ascii=False) }}",
    "tojson floats": "{{ [1.0, 0.1, 1e20, 1e-7, 100000000000] | tojson }}",
    "print floats": "{{ 1.0 }} {{ 1e20 }} {{ 1/3 }} {{ 7 // 2 }} {{ 7 % 3 }} {{ 2 ** 3 }} {{ -7 // 2 }}",
    "reverse str": "{{ 'abc'[::-1] }} {{ 'abc'[-1] }} {{ [1,2,3][1:] }} {{ 'abcdef'[1:4:2] }}",
    "split": (
        "{{ 'a,b'.split(',') }} {{ 'a b  c'.split() }} {{ 'a-b-c'.split('-', 1) }} "
        "{{ 'a-b-c'.rsplit('-', 1) }}"
    ),
    "map": "{{ messages | map(attribute='role') | join(', ') }}",
    "map upper": "{{ ['a', 'b'] | map('upper') | list }}",
    "selectattr": "{{ messages | selectattr('role', 'equalto', 'user') | list | length }}",
    "rejectattr": "{{ messages | rejectattr('role', 'equalto', 'user') | list | length }}",
    "select": "{{ [1, 0, 2] | select | list }} {{ [1, none] | reject('none') | list }}",
    "default": "{{ nothing | default('d') }}{{ '' | default('e', true) }}",
    "none": "{{ none }} {{ true }} {{ false }} {{ nothing }}",
    "case": (
        "{{ 'hello world' | upper }} {{ 'HI' | lower }} {{ 'hello world' | title }} "
        "{{ 'hello World' | capitalize }}"
    ),
    "loop": (
        "{% for x in [1,2,3] %}{{ loop.index }}{{ loop.first }}{{ loop.last }}{{ loop.previtem }}"
        "{{ loop.nextitem }}{{ loop.revindex }}{{ loop.length }};{% endfor %}"
    ),
    "break": "{% for x in [1,2,3] %}{% if x == 2 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "continue": "{% for x in [1,2,3] %}{% if x == 2 %}{% continue %}{% endif %}{{ x }}{% endfor %}",
    "macro": (
        "{% macro f(a, b='z') %}[{{ a }}{{ b }}]{% endmacro %}{{ f('x') }}{{ f('x', b='y') }}"
        "{{ f(b='1', a='2') }}"
    ),
    "macro recursive": (
        "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}"
    ),
    "items": (
        "{% for k, v in {'b': 1, 'a': 2}.items() %}{{ k }}{{ v }}{% endfor %}{% for k, v in {'b': 1} "
        "| items %}{{ k }}{% endfor %}{{ {'b': 1, 'a': 2} | dictsort }}"
    ),
    "tilde": "{{ 'x' ~ 1 ~ 2.0 ~ true ~ none }}",
    "tests": (
        "{{ {} is mapping }}{{ 'a' is string }}{{ [] is iterable }}{{ 'a' is iterable }}"
        "{{ [] is sequence }}{{ 'a' is sequence }}{{ 1 is number }}{{ 1 is integer }}{{ 1.5 is float }}"
        "{{ true is boolean }}{{ true is number }}{{ {} is sequence }}{{ {} is iterable }}"
    ),
    "in": "{{ 'a' in 'abc' }}{{ 'x' not in ['y'] }}{{ 'k' in {'k': 1} }}{{ not 'a' in 'b' }}",
    "strip": (
        "{{ '  a b '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'xa'.lstrip('x') }}"
        "|{{ 'a\\n\\n'.rstrip('\\n') }}|{{ 'a'.startswith('a') }}|{{ 'aXa'.replace('a', 'b', 1) }}"
        "|{{ 'abc'.find('c') }}|{{ 'aba'.count('a') }}"
    ),
    "generation": "{% for m in messages %}{% generation %}{{ m.role }}{% endgeneration %}{% endfor %}",
    "range": (
        "{{ range(3) | list }} {{ range(1, 7, 2) | list }} {{ dict(a=1) }} {{ [3,1,2] | sort }} "
        "{{ [1,1,2] | unique | list }} {{ [1,2] | reverse | list }} {{ [1,2] | sum }}"
    ),
    "numbers": (
        "{{ '12' | int + 1 }} {{ 'x' | int }} {{ 3.7 | int }} {{ 3.456 | round(2) }} {{ 3.5 | round }} "
        "{{ -3 | abs }} {{ [1,3] | max }} {{ 5 | string + '!' }} {{ '1.5' | float }}"
    ),
    "first": "{{ [1,2] | first }}{{ [1,2] | last }}{{ 'abc' | first }}{{ 'abc' | length }}{{ [] | first }}",
    "indent": "{{ 'a\\nb\\n\\nc' | indent(2) }}|{{ 'a\\nb' | indent(2, true) }}",
    "no else": "[{{ 'x' if false }}]",
    "lists": "{{ [1,2] + [3] }} {{ 'ab' * 2 }} {{ [0] * 2 }}",
    "set block": "{% set x %}a{{ 1 }}b{% endset %}[{{ x }}]",
    "filter block": "{% filter upper %}abc{% endfilter %}",
    "call block": "{% macro f() %}<{{ caller() }}>{% endmacro %}{% call f() %}x{% endcall %}",
    "escape": "{{ '<a>' | e }} {{ '<a>' | safe }} {{ '<a>' | escape }}",
    "comment raw": "a{# x #}b{% raw %}{{ x }}{% endraw %}c",
    "for if else": (
        "{% for m in messages if m.role == 'user' %}{{ loop.index }}/{{ loop.length }}"
        "{% else %}none{% endfor %}{% for x in [] %}{% else %}empty{% endfor %}"
    ),
    "percent": "{{ '%s-%d' % ('a', 1) }}",
    "format": "{{ '{}-{}'.format(1, 'b') }} {{ '%s!' | format('x') }}",
    "tuple": (
        "{{ (1, 2) }}{% set a, b = 1, 2 %}{{ a }}{{ b }}{% for a, b in [(1, 2), (3, 4)] %}{{ a + b }}"
        "{% endfor %}"
    ),
    "get": (
        "{{ {'a': 1}.get('b', 'd') }}{{ {'a': 1}.get('b') }}{{ {'a': 1}.keys() | list }}"
        "{{ {'a': 1}.values() | list }}"
    ),
    "chain": "{{ 1 < 2 < 3 }} {{ 1 == 1.0 }} {{ 'a' < 'b' }}",
    "namespace": (
        "{% set ns = namespace(x=1, y=[]) %}{% for i in [1,2] %}{% set ns.x = ns.x + i %}"
        "{% set ns.y = ns.y + [i] %}{% endfor %}{{ ns.x }}{{ ns.y }}"
    ),
    "repr": "{{ ['a', \"b'c\", 'é', none, true, 1.0] }} {{ {'a': 'x\\ny'} }}",
    "whitespace": (
        "a\n  {% if true %}\n  b\n  {% endif %}\n  {{- 'c' }}\n  {%- if true -%}\n d {% endif %}\ne"
    ),
    "plus": "a\n  {%+ if true %}b{% endif +%}\nc",
    "trailing newline": "x\n",
    "wordcount join": "{{ 'a b c' | wordcount }} {{ [1, none, 'x'] | join('-') }} {{ [1,2] | join }}",
    "truncate": "{{ 'hello world foo' | truncate(8) }}",
    "groupby": "{% for k, g in messages | groupby('role') %}{{ k }}{{ g | length }};{% endfor %}",
    "batch": "{{ [1,2,3] | batch(2) | list }}",
    "sameas": (
        "{{ none is sameas none }}{{ x is undefined }}{{ 2 is odd }}{{ 4 is divisibleby 2 }}"
        "{{ 1 is in [1] }}{{ 'A' is upper }}"
    ),
    "scoping": (
        "{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{% endfor %}{{ x }}{% if true %}{% set x = 3 %}"
        "{% endif %}{{ x }}"
    ),
    "with": "{% with a = 1 %}{{ a }}{% endwith %}{{ a }}",
    "do": "{% set l = [] %}{{ l.append(1) or '' }}{{ l }}",
    "string methods": (
        "{{ 'ab'.upper() }}{{ 'a b'.title() }}{{ 'abc'.capitalize() }}{{ 'a\\nb'.splitlines() }}"
        "{{ ','.join(['a','b']) }}{{ '12'.isdigit() }}{{ 'a'.zfill(3) }}"
    ),
    "unicode": "{{ 'héé' | length }} {{ '你好'[1] }} {{ '🌊a'[1:] }} {{ 'É' | lower }}",
    "nested str": "{{ \"it's\" }} {{ 'say \"x\"' }} {{ 'tab\\there' }} {{ 'nl\\\\n' }}",
    "raise": "{{ raise_exception('no way') }}",
    "attr item": (
        "{{ messages[0]['role'] }}{{ messages[-1].content }}{{ messages | length }}"
        "{{ messages[0] | attr('role') }}"
    ),
    "content": "{{ messages[0].content | trim }}|{{ messages[0].content }}|",
    "or value": "{{ '' or 'b' }}{{ 'a' and 'c' }}{{ none or [] }}{{ not '' }}",
    "int concat": "{{ 1 + 1 }}{{ '1' + '1' }}{{ 2 * 2.0 }}{{ 3 - 1 }}{{ 10 / 2 }}",
    "bool print": "{{ 1 == 1 }}{{ (1 == 1) | lower }}{{ true | tojson }}{{ true | string }}",
    "strftime": "{{ strftime_now is defined }}",
    "enumerate": "{% for i in range(messages | length) %}{{ i }}{% endfor %}",
    "strftime_now": "{{ strftime_now('%Y') | length }}",
    "previous and next": (
        "{% for x in 'ab' %}{{ loop.previtem is defined }}{{ loop.nextitem | default('-') }}"
        "{{ loop.cycle('x', 'y') }}{{ loop.changed(x) }}{% endfor %}"
    ),
    "recursive loop": (
        "{% for x in [{'n': 1, 'c': [{'n': 2, 'c': []}]}] recursive %}{{ x.n }}{{ loop(x.c) }}{% endfor %}"
    ),
    "slices": (
        "{{ [1, 2, 3, 4][::-1] }}{{ [1, 2, 3, 4][::-2] }}"
        "{{ messages[::-1] | map(attribute='role') | list }}{{ 'abc'[-2:] }}"
    ),
    "sequence and mapping": (
        "{{ {} is sequence }}{{ messages is sequence }}{{ messages[0] is mapping }}"
        "{{ messages[0].content is string }}"
    ),
    "call with arguments": (
        "{% macro f(x) %}{{ caller(x, 'y') }}{% endmacro %}{% call(a, b) f(1) %}{{ a }}{{ b }}{% endcall %}"
    ),
    "macro varargs": "{% macro f() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, a=2) }}",
    "include": "{% include 'x' %}",
    "import": "{% import 'x' as y %}",
    "block": "{% block a %}x{% endblock %}",
    "do tag": "{% do [] %}",
    "autoescape": "{% autoescape true %}{{ '<' }}{% endautoescape %}",
    "power": "{{ 2 ** 3 }}",
    "underscores": "{{ ''.__class__ }}",
    "namespace with underscores": "{% set n = namespace(_a=1) %}{{ n._a }}",
    "namespace set underscores": "{% set n = namespace() %}{% set n._a = 1 %}",
    "mutation": "{{ messages.append(1) }}",
    "dictionary update": "{{ {'a': 1}.update({'b': 2}) }}",
    "format attack": "{{ '{0.__class__}'.format(1) }}",
    "dict from keys": "{{ dict.fromkeys([1, 2], 'x') }}",
    "dict unpacked": "{{ dict({'a': 1}, b=2) }}",
    "undefined attribute": "[{{ messages[0].nothing }}]",
    "undefined deeper": "{{ messages[0].nothing.more }}",
    "undefined added": "{{ 'a' + nothing }}",
    "none added": "{{ 'a' + none }}",
    "number added": "{{ 'a' + 1 }}",
    "long range": "{{ range(1000000) | length }}",
    "tojson of text": "{{ 'a\\u2028</script>' | tojson }}",
    "tojson sorted": "{{ {'b': 1, 'a': 2} | tojson(sort_keys=true) }}",
    "tojson indent text": "{{ {'b': [1]} | tojson(indent='\\t') }}",
    "sort by": "{{ messages | sort(attribute='content', reverse=true) | map(attribute='content') | list }}",
    "is defined of all": (
        "{{ bos_token is defined }}{{ eos_token is defined }}{{ tools is defined }}{{ tools is none }}"
        "{{ documents is defined }}{{ add_generation_prompt }}"
    ),
    "documents": "{{ documents is none }}",
    "cycler": "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}",
    "joiner": "{% set j = joiner(', ') %}{% for x in 'ab' %}{{ j() }}{{ x }}{% endfor %}",
    "lipsum": "{{ lipsum is defined }}",
    "line statement": "# for x in y\n## z",
    "windows lines": "a\r\nb\r\n",
    "two newlines behind": "x\n\n",
    "generation blank": "{%- generation -%} x {%- endgeneration -%}",
    "broken": "{% for %}",
    "unclosed": "{% if true %}x",
    "unknown filter": "{{ 'x' | nothing }}",
    "unknown test": "{{ 'x' is nothing }}",
    "division by zero": "{{ 1 // 0 }}",
    "key error": "{{ {}['a'] }}[{{ [1][5] }}]",
    "pop": "{{ [1, 2].pop() }}",
    "xmlattr": "{{ {'a': 1} | xmlattr }}",
    "urlencode": "{{ 'a b' | urlencode }}",
    "pprint": "{{ {'b': 1} | pprint }}",
    "filesizeformat": "{{ 1000 | filesizeformat }}",
    "slice filter": "{{ [1, 2, 3] | slice(2) | list }}",
    "center": "[{{ 'a' | center(5) }}]",
    "wordwrap": "{{ 'aaa bbb' | wordwrap(3) }}",
    "striptags": "{{ '<b>x</b>' | striptags }}",
    "min of": "{{ messages | map(attribute='role') | min }}",
    "nested defaults": "{{ (messages[0].nothing or {}).get('a', 'b') }}",
    "if in for with else": "{% for m in messages if m.role == 'tool' %}x{% else %}none{% endfor %}",
    "ternary chain": "{{ 'a' if false else 'b' if false else 'c' }}",
    "escapes": "{{ 'a\\tb\\x41\\u00e9\\\\' }}",
    "concatenated literals": "{{ 'a' 'b' }}",
    "big numbers": "{{ 123456789012345678901234567890 }} {{ 1_000 }} {{ 0x1f }} {{ 1e3 }}",
    "comparison of kinds": "{{ 1 == '1' }}{{ none == false }}{{ [1] == [1] }}{{ {} == {} }}",
    "less of kinds": "{{ 1 < 'a' }}",
}
