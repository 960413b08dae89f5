"""Both compilers that hold answers to a schema, over a vocabulary of bytes: llguidance's own wheel, which
transformers is held by, and the one that is built into llama.cpp's wheel, an older one."""

import ctypes
import random
from collections.abc import Callable
from typing import Any, Protocol

import llguidance
import xllamacpp.xllamacpp

END = 256
VOCABULARY = 257
ENDS = frozenset((*b'"}]', END))
MOST_BYTES = 2000
"""Of a walk; from here on it takes the way to the end."""


class Matcher(Protocol):
    """How far an answer has come."""

    def allowed(self) -> bytes:
        """A bit for each byte that may come next, the lowest first; then one for the end."""

    def take(self, byte: int) -> None:
        """Go past this byte."""


class Wheel:
    """`llguidance`."""

    def __init__(self, lark: str) -> None:
        tokenizer = llguidance.LLTokenizer("byte")
        self._end = tokenizer.eos_token
        self._matcher = llguidance.LLMatcher(tokenizer, llguidance.LLMatcher.grammar_from_lark(lark))
        assert not self._matcher.is_error(), self._matcher.get_error()

    def allowed(self) -> bytes:
        bits = bytes(self._matcher.compute_bitmask())
        ends = bits[self._end // 8] >> self._end % 8 & 1
        return bits[: END // 8] + bytes([ends])

    def take(self, byte: int) -> None:
        assert self._matcher.consume_token(byte)


class _Init(ctypes.Structure):
    _fields_ = (("tokenizer", ctypes.c_void_p), ("rest", ctypes.c_byte * 256))


class _Vocabulary(ctypes.Structure):
    _fields_ = (
        ("size", ctypes.c_uint32),
        ("end", ctypes.c_uint32),
        ("lengths", ctypes.c_void_p),
        ("bytes", ctypes.c_void_p),
        ("json", ctypes.c_char_p),
        ("assumes_string", ctypes.c_bool),
        ("tokenize", ctypes.c_void_p),
        ("greedy", ctypes.c_bool),
        ("user_data", ctypes.c_void_p),
        ("slices", ctypes.c_void_p),
    )


class BuiltIn:
    """The C interface of the llguidance in `xllamacpp`."""

    _library: Any = None
    _init: _Init

    def __init__(self, lark: str) -> None:
        library = self._load()
        self._matcher = library.llg_new_matcher(ctypes.byref(self._init), b"lark", lark.encode())
        error = library.llg_matcher_get_error(self._matcher)
        assert not error, error

    def __del__(self) -> None:
        if self._library is not None:
            self._library.llg_free_matcher(self._matcher)

    def allowed(self) -> bytes:
        assert self._library.llg_matcher_compute_mask(self._matcher) == 0
        size = self._library.llg_matcher_get_mask_byte_size(self._matcher)
        return ctypes.string_at(self._library.llg_matcher_get_mask(self._matcher), size)

    def take(self, byte: int) -> None:
        assert self._library.llg_matcher_consume_token(self._matcher, ctypes.c_uint32(byte)) == 0

    @classmethod
    def complaint(cls, lark: str) -> str:
        """What it says against a grammar, "" if nothing."""
        library = cls._load()
        said = ctypes.create_string_buffer(4096)
        init = ctypes.byref(cls._init)
        wrong = library.llg_validate_grammar(init, b"lark", lark.encode(), said, ctypes.c_size_t(4096))
        return said.value.decode("utf-8", "replace") if wrong < 0 else ""

    @classmethod
    def _load(cls) -> Any:
        if cls._library is None:
            library = ctypes.CDLL(xllamacpp.xllamacpp.__file__)
            for name in ("llg_new_tokenizer", "llg_new_matcher", "llg_matcher_get_mask"):
                getattr(library, name).restype = ctypes.c_void_p
            library.llg_matcher_get_error.restype = ctypes.c_char_p
            library.llg_matcher_get_mask_byte_size.restype = ctypes.c_size_t
            for name in ("get_error", "compute_mask", "get_mask", "get_mask_byte_size"):
                getattr(library, f"llg_matcher_{name}").argtypes = [ctypes.c_void_p]
            library.llg_free_matcher.argtypes = [ctypes.c_void_p]
            library.llg_matcher_consume_token.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
            library.llg_constraint_init_set_defaults.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
            lengths = (ctypes.c_uint32 * VOCABULARY)(*([1] * END), 2)
            data = (ctypes.c_uint8 * (VOCABULARY + 1))(*range(END), 0xFF, ord("e"))
            address = ctypes.addressof
            vocabulary = _Vocabulary(VOCABULARY, END, address(lengths), address(data), greedy=True)
            said = ctypes.create_string_buffer(1024)
            tokenizer = library.llg_new_tokenizer(ctypes.byref(vocabulary), said, ctypes.c_size_t(1024))
            assert tokenizer, said.value
            cls._init = _Init()
            library.llg_constraint_init_set_defaults(ctypes.byref(cls._init), tokenizer)
            cls._library = library
        return cls._library


COMPILERS: dict[str, Callable[[str], Matcher]] = {"llguidance": Wheel, "llama.cpp": BuiltIn}


def walk(matcher: Matcher, source: random.Random) -> str:
    """An answer that the matcher allows, as a model without any sense would write it."""
    said = bytearray()
    while True:
        bits = matcher.allowed()
        may = [byte for byte in range(VOCABULARY) if bits[byte // 8] >> byte % 8 & 1]
        assert may, f"nothing may follow {bytes(said)!r}"
        hurry = len(said) > MOST_BYTES or source.random() < 0.3
        ends = [byte for byte in may if byte in ENDS] if hurry else []
        letters = [byte for byte in may if 32 <= byte < 127] if source.random() < 0.9 else []
        byte = source.choice(ends or letters or may)
        if byte == END:
            return said.decode()
        said.append(byte)
        matcher.take(byte)
