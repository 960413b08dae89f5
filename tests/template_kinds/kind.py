"""What a chat template is made of."""

from typing import Literal, NamedTuple

import msgspec

from tests.template_kinds.calls import Form

Content = Literal["text", "parts", "either"]
"""How contents are taken; where `either` is, thoughts are parts of them, too."""
Place = Literal["turn", "any turn", "first question", "last question", "refused"]
"""Where a system message goes: in a turn in front of all others, in a turn wherever it stands, into the first
or the last question; or nowhere, and the template says so."""


class Turn(NamedTuple):
    """The marks around one turn."""

    open: str
    close: str = ""


class Thoughts(NamedTuple):
    """`opened`: the prompt opens a thought. `switch`: the variable that keeps the model from thinking, with
    what the prompt has then; `asked`: it does not think unless that is set. `kept`: which thoughts of earlier
    turns are shown."""

    open: str
    close: str
    opened: bool = False
    switch: str = ""
    off: str = ""
    asked: bool = False
    kept: Literal["no", "of this question", "all"] = "of this question"


class Tools(NamedTuple):
    """Around the list of tools, which is one JSON or one per line, and where it stands."""

    open: str
    close: str
    lines: bool = True
    place: Literal["system", "first question", "last question"] = "system"


class Results(NamedTuple):
    """Around what tools have given: of all that follow each other, and of each, which may be `named`."""

    open: str
    close: str
    each_open: str = ""
    each_close: str = ""
    in_json: bool = False
    named: bool = False


class Kind(msgspec.Struct, frozen=True):
    """`prompt` is how an answer begins, where that is not how the assistant's turns do, `answer` around its
    text; `default` is the system message where there is none, `between` stands between one and the question
    that it goes into. `dated` is Jinja that tells the day in the system turn, `picture` what stands for a
    picture. `alternates` is said where questions and answers do not alternate, `single_calls` of several
    calls in a turn, `short_ids` of ids that have not nine letters. `text` is a template that is made of other
    things, `says` are answers of such a kind. `special` are the marks that are no text, `marks` tokens of
    their own that are."""

    user: Turn
    assistant: Turn
    system: Turn | None = None
    place: Place = "any turn"
    bos: str = ""
    head: str = ""
    prompt: str | None = None
    default: str = ""
    alternates: str = ""
    between: str = "\n\n"
    trims: bool = False
    content: Content = "text"
    single_calls: str = ""
    short_ids: str = ""
    tools: Tools | None = None
    calls: Form | None = None
    results: Results | None = None
    thoughts: Thoughts | None = None
    dated: str = ""
    picture: str = ""
    text: str = ""
    says: dict[str, str] = {}
    special: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    end: str = ""
    answer: Turn = Turn("")
