"""A client's own template of Ollama's language: what it writes, and what is refused."""

import time
from contextlib import suppress

import pytest

from ai_pal.gateway.ollama.templates import actions_of, filled
from ai_pal.gateway.wire.bodies import BodyError

CHATML = (
    "{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}"
    "{{ if .Prompt }}<|im_start|>user\n{{ .Prompt }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"
    "{{ .Response }}<|im_end|>\n"
)


@pytest.mark.parametrize(
    ("template", "system", "told"),
    [
        ("x", "", "x"),
        ("{{ .Prompt }}", "", "P"),
        ("{{.System}} {{.Prompt}}", "S", "S P"),
        ("a {{- .Prompt -}} b", "", "aPb"),
        ("a {{ .Prompt }} b", "", "a P b"),
        ("{{ if .System }}s{{ else }}n{{ end }}", "", "n"),
        ("{{ if .System }}s{{ else }}n{{ end }}", "S", "s"),
        ("{{ if .System }}a{{ if .Prompt }}b{{ end }}c{{ end }}d", "", "d"),
        ("{{ if .System }}a{{ if .Prompt }}b{{ end }}c{{ end }}d", "S", "abcd"),
        ("{{ .Prompt }}{{ .Response }} behind", "", "P"),
        (CHATML, "", "<|im_start|>user\nP<|im_end|>\n<|im_start|>assistant\n"),
        (
            CHATML,
            "S",
            "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nP<|im_end|>\n<|im_start|>assistant\n",
        ),
    ],
)
def test_what_it_writes(template: str, system: str, told: str) -> None:
    assert filled(template, system, "P") == told


@pytest.mark.parametrize(
    "template",
    ["{{ .Messages }}", "{{ range .Messages }}{{ end }}", "{{ if .System }}", "{{ end }}", "{{ else }}",
     "{{ }}", "{{ if eq .System \"x\" }}{{ end }}", "{{ .Prompt | upper }}"],
)  # fmt: skip
def test_what_it_may_not_hold(template: str) -> None:
    with pytest.raises(BodyError) as caught:
        filled(template, "", "P")
    assert caught.value.param == "template"


@pytest.mark.parametrize(
    "template",
    [
        "{{" * 100_000,
        "{{" + " " * 200_000,
        "{{ .Prompt" + " -" * 100_000,
        "{{- " * 50_000,
        "{{ .Prompt }}\n" * 20_000,
    ],
)
def test_none_takes_long_however_it_is_written(template: str) -> None:
    """A search that goes back held the whole server for ever: it lets no other thread go on."""
    began = time.process_time()
    with suppress(BodyError):
        list(actions_of(template))
    assert time.process_time() - began < 5.0
