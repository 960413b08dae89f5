"""The answer in a schema that libraries with pydantic are asked for."""

from pydantic import BaseModel


class Place(BaseModel):
    """Where it is."""

    city: str


ANSWERED = Place(city="")
"""The smallest that validates is what the scripted model says."""
