"""Columns of a terminal that a text takes: two for a wide character, none for an accent that is put over
another. A library is only asked where there could be one."""

import re

_PLAIN = re.compile(r"[\x20-\u02ff…█▒·]*")
"""Texts whose every character takes one column."""


def columns_of(text: str) -> int:
    """The columns of one line."""
    if _PLAIN.fullmatch(text):
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, columns: int) -> str:
    """As much of its beginning as has room."""
    return text if columns_of(text) <= columns else filled(text, columns)


def filled(text: str, columns: int) -> str:
    """Cut, or with blanks behind it: exactly so many columns."""
    if _PLAIN.fullmatch(text):
        return text[:columns].ljust(columns)
    from rich.cells import set_cell_size

    return set_cell_size(text, columns)
