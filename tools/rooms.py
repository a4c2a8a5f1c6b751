"""The rooms as the code's imports draw them: `python -m tools.rooms [--check]` writes docs/architecture.md.

A box is a package or a module at the top of `sigmasight_core` or `sigmasight_dagster`; an arrow says that the
upper one imports the lower one. An arrow that a longer way says already is left out. `pyproject.toml` holds
the order in which imports may run.
"""

import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

PAGE = Path(__file__).resolve().parent.parent / "docs" / "architecture.md"
BEGIN, END = "<!-- drawn by tools/rooms.py -->\n", "<!-- end of the drawing -->"
PACKAGES = ("sigmasight_core", "sigmasight_dagster")

Imports = dict[str, set[str]]


def main() -> None:
    """Write the drawing into the page, or say that it is not what the code says now."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    drawn = before + BEGIN + drawing() + END + after
    if "--check" in sys.argv:
        sys.exit(None if drawn == text else f"{PAGE.name} is not what the imports say: make docs")
    PAGE.write_text(drawn, encoding="utf-8")


def drawing() -> str:
    """The rooms of both packages as a Mermaid flow chart."""
    graph = grimp.build_graph(*PACKAGES)
    lines = ["```mermaid", "flowchart TD"]
    for package in reversed(PACKAGES):
        imports = reduced(_rooms(graph, package))
        lines.append(f'  subgraph {package}["{package}/"]')
        lines += [f'    {package}_{room}["{room}"]' for room in imports]
        lines += [
            f"    {package}_{room} --> {package}_{below}"
            for room in imports
            for below in sorted(imports[room])
        ]
        lines.append("  end")
    lines += ["  sigmasight_dagster --> sigmasight_core", "```"]
    return "\n".join(lines) + "\n"


def _rooms(graph: grimp.ImportGraph, package: str) -> Imports:
    rooms = {name.rpartition(".")[2] for name in graph.find_children(package)}
    return {
        room: {
            other
            for other in rooms - {room}
            if graph.direct_import_exists(
                importer=f"{package}.{room}", imported=f"{package}.{other}", as_packages=True
            )
        }
        for room in rooms
    }


def reduced(imports: Imports) -> Imports:
    """Without the arrows that a longer way says already; upper rooms first.

    :raises graphlib.CycleError: when imports run in a circle.
    """
    below: Imports = {}
    for room in TopologicalSorter(imports).static_order():
        below[room] = imports[room] | {deep for other in imports[room] for deep in below[other]}
    direct = {
        room: imports[room] - {deep for other in imports[room] for deep in below[other]} for room in imports
    }
    ordered = sorted(imports, key=lambda room: (-len(below[room]), room))
    return {room: direct[room] for room in ordered}


if __name__ == "__main__":
    main()
