"""A flame graph as an SVG: one box a function, as wide as its share of the samples, on what called it."""

from collections import Counter
from html import escape
from typing import Final

WIDTH, ROW, TOP = 1_200, 16, 56
LEAST_SHARE: Final = 0.002
"""Boxes that are narrower are left out."""
LETTER: Final = 6.2

COLOURS: Final = (
    ("sigmasight_core/", "#f4a259", "calculations"),
    ("sigmasight_", "#f4d35e", "the project around them"),
    ("dagster", "#a9c5e8", "Dagster"),
    ("", "#cfd4da", "libraries and Python"),
)
"""Of a function by how its file begins, and what that is."""

Tree = dict[str, "tuple[list[int], Tree]"]


def drawn(stacks: Counter[tuple[str, ...]], title: str) -> str:
    """The graph of stacks (file:function, outermost first) that were seen so often."""
    total, tree, depth = stacks.total(), Tree(), 0
    for stack, count in stacks.items():
        branch = tree
        for name in _short(stack):
            seen, below = branch.setdefault(name, ([0], {}))
            seen[0] += count
            branch = below
    boxes: list[str] = []
    depth = _draw(tree, 0.0, 0, total, boxes)
    height = TOP + (depth + 1) * ROW + 8
    legend = "".join(
        f'<rect x="{8 + place * 200}" y="30" width="12" height="12" fill="{colour}"/>'
        f'<text x="{26 + place * 200}" y="40">{said}</text>'
        for place, (_, colour, said) in enumerate(COLOURS)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="monospace" '
        f'font-size="10.5"><rect width="{WIDTH}" height="{height}" fill="#fff"/>'
        f'<text x="8" y="20" font-size="14">{escape(title)}, {total:,} samples</text>{legend}'
        f'<g transform="translate(0 {height - 8})" stroke="#fff" stroke-width=".6">{"".join(boxes)}</g>'
        "</svg>\n"
    )


def _draw(tree: Tree, left: float, level: int, total: int, boxes: list[str]) -> int:
    """Add a branch's boxes, the widest first. :returns: the highest level."""
    highest = level
    for name, ((count,), below) in sorted(tree.items(), key=lambda item: -item[1][0][0]):
        share = count / total
        if share < LEAST_SHARE:
            break
        x, width, y = left * WIDTH, share * WIDTH, -(level + 1) * ROW
        [colour] = [colour for start, colour, _ in COLOURS if name.startswith(start)][:1]
        letters = int((width - 4) / LETTER)
        label = name if len(name) <= letters else name.rpartition(":")[2]
        label = label if len(label) <= letters else label[: letters - 1] + "…" if letters > 3 else ""
        text = f'<text x="{x + 2:.0f}" y="{y + 12}" stroke="none">{escape(label)}</text>' if label else ""
        boxes.append(
            f'<g><title>{escape(name)} {share:.1%}</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}" '
            f'height="{ROW}" fill="{colour}"/>{text}</g>'
        )
        highest = max(highest, _draw(below, left, level + 1, total, boxes))
        left += share
    return highest


def _short(stack: tuple[str, ...]) -> list[str]:
    """Files from their package on; of the functions between two of the project, the first and the last.

    Dagster yields each event through some hundred generators: all of them would hide what it does.
    """
    names = [_from_package(name) for name in stack]
    ours = [name.startswith("sigmasight_") for name in names]
    around = zip([True, *ours[:-1]], ours, [*ours[1:], True], strict=True)
    return [name for name, near in zip(names, around, strict=True) if any(near)]


def _from_package(name: str) -> str:
    for root in ("/site-packages/", "/lib/python3"):
        if root in name:
            found = name.rpartition(root)[2]
            return found if root == "/site-packages/" else "python/" + found.partition("/")[2]
    for package in ("sigmasight_core/", "sigmasight_dagster/", "benchmarks/"):
        if f"/{package}" in name:
            return package + name.rpartition(f"/{package}")[2]
    return name
