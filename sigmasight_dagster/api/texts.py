"""Bodies of requests: their fields are known, and their texts can be stored."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

PLAIN: Final = r"^[^\x00]*$"
"""Without NUL, which PostgreSQL cannot store."""


class Body(BaseModel):
    """A body of a request, without other fields."""

    model_config = ConfigDict(extra="forbid")


Text = Annotated[str, Field(max_length=1000, pattern=PLAIN)]
Word = Annotated[str, Field(min_length=1, max_length=100, pattern=PLAIN)]
