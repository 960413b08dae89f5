"""Types as people give them to `schema=`: of pydantic and msgspec, nested, with unions and references."""

import datetime as dt
import enum
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Optional, TypedDict, Union

import msgspec
import pydantic


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 9


class Inner(pydantic.BaseModel):
    """A part of others."""

    size: Annotated[int, pydantic.Field(ge=1, le=50)]
    colour: Colour = Colour.RED
    level: Level


class Cat(pydantic.BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(pydantic.BaseModel):
    kind: Literal["dog"]
    name: Annotated[str, pydantic.StringConstraints(pattern="^[A-Z][a-z]{1,6}$")]


class Tree(pydantic.BaseModel):
    name: Annotated[str, pydantic.Field(max_length=8)]
    children: Annotated[list["Tree"], pydantic.Field(max_length=2)] = []


class Outer(pydantic.BaseModel):
    """Much of what pydantic has."""

    inner: Inner
    others: Annotated[list[Inner], pydantic.Field(max_length=2)]
    pet: Annotated[Cat | Dog, pydantic.Field(discriminator="kind")]
    maybe: Optional[Inner] = None  # noqa: UP045 - as many still write it
    either: Union[int, Annotated[str, pydantic.Field(max_length=6)]]  # noqa: UP007
    pair: tuple[bool, Annotated[int, pydantic.Field(multiple_of=3, lt=30, gt=-30)]]
    scores: Annotated[dict[str, bool], pydantic.Field(max_length=2)]


class Times(pydantic.BaseModel):
    """Texts that become something else."""

    moment: dt.datetime
    day: dt.date
    at: dt.time
    lasts: dt.timedelta
    id: uuid.UUID
    random_id: pydantic.UUID4
    home: pydantic.HttpUrl
    file: Path
    secret: pydantic.SecretStr


class Priced(pydantic.BaseModel):
    """Allows infinity by its schema, and takes none: no model would write it, but dice do."""

    price: Decimal


class Open(pydantic.BaseModel):
    """Takes more than it names."""

    model_config = pydantic.ConfigDict(extra="allow")
    name: Annotated[str, pydantic.Field(max_length=5)]


class Aliased(pydantic.BaseModel):
    city_name: Annotated[str, pydantic.Field(alias="cityName", max_length=5)]


class Point(msgspec.Struct, tag="point"):
    x: int
    y: Annotated[int, msgspec.Meta(ge=0)] = 0


class Circle(msgspec.Struct, tag="circle"):
    centre: Point
    radius: Annotated[float, msgspec.Meta(gt=0, le=100)]


class Drawing(msgspec.Struct, kw_only=True):
    shapes: Annotated[list[Point | Circle], msgspec.Meta(max_length=2)]
    made: dt.datetime
    colour: Colour
    note: Annotated[str, msgspec.Meta(max_length=9)] | None = None
    seen: dt.datetime | None = None
    times: Annotated[list[dt.time], msgspec.Meta(max_length=2)] = []
    naive: Annotated[dt.datetime, msgspec.Meta(tz=False)]
    price: Decimal
    data: bytes


class Array(msgspec.Struct, array_like=True):
    a: int
    b: bool


class Typed(TypedDict, total=False):
    a: int
    b: list[bool]


class Named(NamedTuple):
    a: int
    b: bool


@dataclass
class Data:
    a: int
    days: Sequence[dt.date]
    last: tuple[dt.datetime, bool] | None
    by_name: dict[str, dt.datetime]


MODELS: tuple[Any, ...] = (
    *(Inner, Tree, Outer, Times, Open, Aliased, Drawing, Point | Circle, Array, Typed, Named, Data),
    *(list[Inner], dict[str, bool], int, Colour, Literal["a", 3], pydantic.TypeAdapter(list[Cat | Dog])),
)
