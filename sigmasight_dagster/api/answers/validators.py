"""ETags: what an answer is marked with, and what a caller says that they have."""

from fastapi import Request


def marks(etag: str, date: str | None) -> dict[str, str]:
    """Headers of an answer. The tag is weak: the same rows are one answer in every form, packed or not."""
    return {
        "ETag": f'W/"{etag}"',
        "Cache-Control": "private, no-cache",
        "Vary": "Accept, Authorization",
        **({"As-Of-Date": date} if date else {}),
    }


def marks_known(request: Request) -> list[str]:
    """The tags of If-None-Match, compared weakly."""
    tags = request.headers.get("if-none-match", "").split(",")
    return [tag.strip().removeprefix("W/").strip('"') for tag in tags]
