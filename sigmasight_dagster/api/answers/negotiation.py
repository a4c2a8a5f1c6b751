"""In which form an answer goes out: what the Accept header likes best of what there is."""

from typing import Final

from fastapi import Request

from sigmasight_dagster.api.errors import Problem

JSON, CSV, ARROW = "json", "csv", "arrow"
FORMS: Final = {JSON: "application/json", CSV: "text/csv", ARROW: "application/vnd.apache.arrow.stream"}


def chosen_form(request: Request) -> str:
    """:raises Problem: 406 when the caller takes none of FORMS."""
    accepted = request.headers.get("accept") or "*/*"
    liked = {form: _liking(accepted, media) for form, media in FORMS.items()}
    best = max(liked, key=lambda form: liked[form])
    if not liked[best]:
        raise Problem(406, f"answers are given as {', '.join(FORMS.values())}")
    return best


def _liking(accepted: str, media: str) -> float:
    """The quality of the most specific range that a media type falls into; 0 = it is not taken."""
    found = (0, 0.0)
    for part in accepted.lower().split(","):
        name, *rest = (piece.strip() for piece in part.split(";"))
        kind = media.partition("/")[0]
        specific = {media: 3, f"{kind}/*": 2, "*/*": 1}.get(name, 0)
        if specific > found[0]:
            quality = next((piece[2:] for piece in rest if piece.startswith("q=")), "1")
            found = (specific, _number(quality))
    return found[1]


def _number(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0
