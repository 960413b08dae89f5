"""Chat templates are found in a GGUF file wherever they stand, and only they."""

import struct
from pathlib import Path

import gguf

from ai_pal.formats.gguf import SMALLEST
from ai_pal.formats.gguf_vocabulary import TEMPLATE, read_chat_template, read_chat_templates


def save(file: Path, tokens: list[str], templates: str | list[dict[str, str]] | None) -> Path:
    writer = gguf.GGUFWriter(str(file), "llama")
    writer.add_token_list(tokens)
    if templates is not None:
        writer.add_chat_template(templates)
    writer.add_description("x" * SMALLEST)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return file


def test_the_template_and_those_with_names_are_found(tmp_path: Path) -> None:
    named = [{"name": "default", "template": "é{{ a }}"}, {"name": "tool_use", "template": "{{ b }}"}]
    file = save(tmp_path / "m.gguf", ["a", "b"], named)
    assert read_chat_templates(file) == {"": "é{{ a }}", "tool_use": "{{ b }}"}
    assert read_chat_template(file) == "é{{ a }}"


def test_a_token_that_is_called_like_it_is_none(tmp_path: Path) -> None:
    odd = ["a", TEMPLATE, f"{TEMPLATE}.tool_use", f"a {TEMPLATE}", "b" * 9, struct.pack("<Q", 23).decode()]
    assert read_chat_templates(save(tmp_path / "m.gguf", odd, None)) == {}
    assert read_chat_templates(save(tmp_path / "n.gguf", odd, "{{ a }}")) == {"": "{{ a }}"}


def test_no_byte_is_part_of_two_templates(tmp_path: Path) -> None:
    """A small file could say that it has millions of long ones, each within the other."""
    keys = [f"{TEMPLATE}.{number}".encode() for number in range(9)]
    behind = b"".join(struct.pack("<Q", len(key)) + key + struct.pack("<IQ", 8, 900) for key in keys)
    file = tmp_path / "m.gguf"
    file.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 0) + behind + b"x" * SMALLEST)
    assert list(read_chat_templates(file)) == ["0"]
