"""A form of a text beside a call that has to be made: clients send both, and presets may have a form. The
answer is the call, and there is no text to hold. Pure."""

from collections.abc import Mapping
from typing import Any

from ai_pal.protocol.options import NamedTool


def without_moot_form(how: Mapping[str, Any]) -> Any:
    """How something is asked, without a form that nothing will be said in."""
    choice = how.get("tool_choice")
    must_call = choice == "required" or isinstance(choice, NamedTool)
    return {**how, "response_format": None} if must_call and how.get("response_format") is not None else how
