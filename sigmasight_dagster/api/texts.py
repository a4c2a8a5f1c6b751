"""Bodies of requests: their fields are known, and their texts can be stored."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def no_nul(text: str) -> str:
    """:raises ValueError: for a NUL character, which PostgreSQL cannot store."""
    if "\0" in text:
        raise ValueError("has a NUL character: leave it out")
    return text


class Body(BaseModel):
    """A body of a request, without other fields."""

    model_config = ConfigDict(extra="forbid")


Text = Annotated[str, Field(max_length=1000), AfterValidator(no_nul)]
Word = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(no_nul)]
