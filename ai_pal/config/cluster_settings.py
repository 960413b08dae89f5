"""`[cluster]`: workers on other nodes. Off unless an engine is named."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field


class ClusterSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """See the module."""

    engine: Annotated[
        Literal["none", "command", "ray"],
        Meta(
            description="What starts workers on other nodes: `command` (such as `ssh`) or `ray`. Then this "
            "machine computes only what may not leave it, unless it is one of the nodes."
        ),
    ] = "none"
    listen: Annotated[
        str,
        Meta(
            pattern=r"^[^\s/]+:(\d+|\*)\Z",
            description="The address of this machine, and the port, that nodes connect to; `*` is any port.",
        ),
    ] = "127.0.0.1:*"
    advertise: Annotated[
        str,
        Meta(
            pattern=r"^([^\s/]+:\d+)?\Z",
            description="What nodes connect to where that is another address, as with `0.0.0.0:7080`.",
        ),
    ] = ""
    nodes: Annotated[
        dict[str, str],
        Meta(
            description="For `command`: the names of the nodes, and how Python with AI-PAL is started on "
            'each: `box = "ssh box .venv/bin/python"`.'
        ),
    ] = field(default_factory=dict)
    address: Annotated[str, Meta(description="For `ray`: the address of its head, `HOST:PORT`.")] = ""
    shared: Annotated[
        str,
        Meta(
            description="A folder that nodes see under this path, laid out as `model_cache_dir` is: what "
            "lies there is read there, and not sent to a node that lacks it."
        ),
    ] = ""
    pull: Annotated[
        bool,
        Meta(
            description="Whether a node that lacks a published model fetches it itself, where it can; else "
            "this machine sends it."
        ),
    ] = False

    @property
    def on(self) -> bool:
        """Whether workers run on nodes, and none beside the supervisor."""
        return self.engine != "none"
