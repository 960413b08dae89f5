"""How thinking is steered around one answer: what is open when it begins, how far it may go, how it ends."""

from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.thinking_levels import BUDGETS
from workers.engines.thought_ends import ThoughtEnds
from workers.engines.transformers.guiding.bindings import Bindings
from workers.engines.transformers.guiding.guide import Thought
from workers.engines.transformers.parts.families import Thinking

THINKING_SHARE = 2
"""Of what an answer may have, one part in this many is for thinking, where what follows is bound to a form
and nothing else limits the thinking: it has to come to an end."""


class Steering:
    """For a model whose thoughts stand between `marks`, None where it has none. `switched`: its template
    is told itself whether to think; `levels`: and how hard. `context` is its window in tokens."""

    def __init__(
        self, marks: Thinking | None, *, switched: bool, levels: bool, bindings: Bindings, context: int
    ) -> None:
        self._marks, self._switched, self._levels = marks, switched, levels
        self._bindings, self._context = bindings, context

    def begun(self, options: GenerationOptions, text: str) -> tuple[str, bool]:
        """What is put behind the rendered conversation, and whether a thought is open then."""
        if self._marks is None:
            return options.prefill, False
        opened = text.rstrip().endswith(self._marks.open.rstrip())
        if not options.prefill:
            return "", opened
        before = self._marks.ended if opened else self._marks.final
        return before + options.prefill, False

    def thought(self, options: GenerationOptions, text: str, opened: bool, prompt: int) -> Thought | None:
        """How thinking is steered; None where it is left alone, or over before it began."""
        marks = self._marks
        bound = options.response_format is not None or options.tool_choice not in (None, "auto", "none")
        if marks is None or options.prefill or text.rstrip().endswith(marks.close.rstrip()):
            return None
        if marks.final and bound and options.thinking == "off":
            return None  # the form begins with the answer's own channel
        budget = options.thinking_budget
        off = options.thinking == "off" and not self._switched
        if off:
            budget = 0
        if budget is None and bound:
            left = self._context - prompt
            budget = min(options.max_tokens or left, left) // THINKING_SHARE
        if budget is None and not self._levels:
            budget = BUDGETS.get(options.thinking or "")
        if budget is None:
            return None
        closing = self._bindings.plain(marks.ended)
        if opened:
            return Thought(marks.open, marks.close, closing=closing, budget=budget)
        if (off and not marks.final) or bound:
            opening = self._bindings.plain(marks.open)
            return Thought(marks.open, marks.close, opening=opening, closing=closing, budget=budget)
        return Thought(marks.open, marks.close, may_open=True, closing=closing, budget=budget)

    def ends(self, options: GenerationOptions, text: str, thought: Thought | None) -> ThoughtEnds | None:
        """What keeps tags out of an answer whose thought is, or may be, ended for the model."""
        marks = self._marks
        if marks is None or marks.final:
            return None
        over = bool(options.prefill) or text.rstrip().endswith(marks.close)
        return ThoughtEnds(marks.close, 0 if over else 1) if over or thought is not None else None
