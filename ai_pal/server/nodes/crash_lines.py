"""What a process says of its own end, without anything that it was asked: known shapes of lines. Pure."""

import re

SHAPES = tuple(
    re.compile(shape)
    for shape in (
        r"Traceback \(most recent call last\):",
        r'  File "(/[\w./+-]+\.py|<[\w. ]+>)", line \d+,? in [\w<>.]+',
        r"(Current thread|Thread) 0x[0-9a-f]+ (\[[\w-]+\] )?\(most recent call first\):",
        r"Fatal Python error: (Aborted|Bus error|Illegal instruction|Segmentation fault)",
        r"terminate called (without an active exception|recursively)",
        r"terminate called after throwing an instance of '[\w:<>, ]+'",
        r"(thread '[^']*' (\(\d+\) )?panicked at )?[\w./-]+\.(c|cc|cpp|cu|h|hpp|rs):\d+(:\d+)?:",
        r"[\w./-]+\.(c|cc|cpp|cu|h|hpp|rs):\d+: (GGML_ASSERT|assert)\([^\"']*\) failed",
        r"(free|malloc|realloc|munmap_chunk)\(\): [a-z ]+( \(\w+\))?",
        r"double free or corruption \(!?\w{1,8}\)",
        r"corrupted (size vs\. prev_size|double-linked list)",
        r"\*\*\* (stack smashing detected|buffer overflow detected) \*\*\*: terminated",
        r"(CUDA error: )?out of memory",
    )
)
BEGINS = tuple(
    re.compile(shape)
    for shape in (
        r"[\w./-]+\.(c|cc|cpp|cu|h|hpp|rs):\d+:(?= )",
        r"([A-Za-z_]\w*\.)*[A-Z]\w*(Error|Exception|Interrupt|Exit)(?=: |$)",
    )
)
"""Of lines that go on with words of any kind: only so much is kept of them."""


def without_content(line: str) -> str:
    """The line where it can hold nothing that was asked, or how it begins, or nothing."""
    if any(shape.fullmatch(line) for shape in SHAPES):
        return line
    found = next(filter(None, (shape.match(line) for shape in BEGINS)), None)
    return found.group() if found is not None else ""
