"""How fast this machine's cores together read memory: that is how fast a model on them writes."""

import ctypes
import threading
import time
from functools import lru_cache

USUAL = 15e9
"""Where it cannot be measured: an ordinary computer."""

_BUFFER, _WINDOW = 96 << 20, 4 << 20
_ROUNDS = 2
_MOST_THREADS = 16
_FILL, _ABSENT = 1, 2


@lru_cache(maxsize=1)
def measured(cores: int) -> float:
    """Bytes a second, the best of some short looks, for others may compute beside us; about 0.1 s."""
    threads = max(1, min(cores, _MOST_THREADS))
    try:
        search = ctypes.CDLL(None).memchr  # reads all of it when the byte is not there, without the GIL
        search.argtypes, search.restype = (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t), ctypes.c_void_p
        buffer = ctypes.create_string_buffer(_BUFFER)
    except (OSError, AttributeError, MemoryError):
        return USUAL
    start, piece = ctypes.addressof(buffer), _BUFFER // threads
    ctypes.memset(start, _FILL, _BUFFER)
    best = [0.0] * threads

    def read(number: int) -> None:
        own = start + number * piece
        for _ in range(_ROUNDS):
            for at in range(0, piece - _WINDOW + 1, _WINDOW):
                begun = time.perf_counter()
                search(own + at, _ABSENT, _WINDOW)
                seconds = time.perf_counter() - begun
                best[number] = max(best[number], _WINDOW / seconds if seconds else 0.0)

    readers = [threading.Thread(target=read, args=(number,)) for number in range(threads)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    return sum(best) or USUAL
