"""Answers that call tools, taken apart here and not by llama.cpp: where it takes their form for another, and
where an answer is given a beginning, before which it would put a thought of its own."""

from collections.abc import Sequence
from typing import Any

from ai_pal.protocol.options import GenerationOptions, Tool
from workers.engines.channels import MARKS, Channels, writes_channels
from workers.engines.llamacpp.request import holds_calls
from workers.engines.regions import Region, Regions
from workers.engines.tagged_calls import Read, gemma, tagged
from workers.engines.thought_marks import Marks
from workers.engines.transformers.parts.call_forms import OLMO, Calls, calls_of
from workers.engines.transformers.parts.parts import CALLS, Parts

UNKNOWN = (OLMO,)
"""Forms that llama.cpp takes for others, and holds answers to these."""
THOUGHT = "reasoning_content"


class CallParts:
    """Of one template; `marks` are around thoughts, None for none."""

    def __init__(self, template: str, marks: Marks | None) -> None:
        calls = calls_of(template)
        self._calls = calls if calls is not None and calls.open else None
        self._marks, self._in_channels = marks, writes_channels(template)

    @property
    def are_read(self) -> bool:
        """Whether calls of this template can be read here."""
        return self._calls is not None

    def wanted(self, options: GenerationOptions) -> bool:
        """Whether an answer to a request with these options has to be taken apart here."""
        if not may_call(options) or self._calls is None:
            return False
        return self._calls in UNKNOWN or bool(options.prefill)

    def seen(self) -> dict[str, Any]:
        """What llama.cpp has to be asked for, so that it tells marks that are tokens of their own."""
        assert self._calls is not None
        texts = MARKS if self._in_channels else [*self._calls.marks, *(self._marks or ())]
        return {"preserved_tokens": list(texts)}

    def of(self, options: GenerationOptions, *, begun: bool) -> Parts:
        """What takes one answer apart; `begun`: the prompt opens a thought."""
        assert self._calls is not None
        if self._in_channels:
            return Parts(Channels(calls=True, begun=bool(options.prefill)), self._calls)
        regions = [Region(CALLS, self._calls.open, self._calls.close)]
        if self._marks is not None:
            regions.append(Region(THOUGHT, *self._marks))
        return Parts(
            Regions(regions, THOUGHT if begun else ""), self._calls, read=_read(self._calls, options.tools)
        )


def may_call(options: GenerationOptions) -> bool:
    """Whether the answer may call tools as the model likes."""
    return bool(options.tools) and options.tool_choice != "none" and not holds_calls(options)


def _read(calls: Calls, tools: Sequence[Tool]) -> Read | None:
    """What reads calls that are read when they are complete, None where that is said with their form."""
    if calls.body != "whole":
        return None
    return tagged(calls.name, calls.pair, tools) if calls.pair else gemma
