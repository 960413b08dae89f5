"""Whether the slots of a model on llama.cpp share one window or have one each. Pure."""

from msgspec.structs import replace

from ai_pal.protocol.worker import LoadModel

OPTION = "windows"
"""What it is called among the options of a model."""
AUTO, SHARED, OWN = "auto", "shared", "own"
SLOTS = 4
"""As many as llama.cpp gets where nobody says."""


def slots_of(load: LoadModel) -> int:
    """Requests that run together."""
    return load.slots or SLOTS


def windows_of(load: LoadModel) -> int:
    """How many windows of `load.context` tokens the cache holds."""
    asked = load.options.get(OPTION, AUTO)
    own = load.own_windows if asked == AUTO else asked == OWN
    return slots_of(load) if own else 1


def apart(load: LoadModel) -> LoadModel:
    """The same load, whatever is said of its windows."""
    return replace(load, options={name: value for name, value in load.options.items() if name != OPTION})


def has_what_is_asked(load: LoadModel, asked: LoadModel) -> bool:
    """Whether one that was loaded as `load` says has its windows as another asks for them, who may leave that
    to the supervisor."""
    wanted, has = (one.options.get(OPTION, AUTO) for one in (asked, load))
    if asked.engine != "llamacpp" or not all(one in (AUTO, SHARED, OWN) for one in (wanted, has)):
        return False
    return wanted == AUTO or windows_of(load) == windows_of(asked)


def with_own(load: LoadModel) -> LoadModel | None:
    """The same load with a window for each slot; None where that is not for the supervisor to say: nobody has
    said that there are several slots, it is said already, the cache lies on a card, or tokens are guessed."""
    free = load.engine == "llamacpp" and not load.vocabulary and not load.placement
    asked = [load.options.get(option, AUTO) for option in (OPTION, "speculate")]
    if not free or load.slots <= 1 or asked[0] != AUTO or asked[1] not in (AUTO, "off"):
        return None
    return replace(load, own_windows=True)
