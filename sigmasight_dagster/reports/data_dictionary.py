"""Generated pages of docs/: the data dictionary, from the row models. `--check` fails when one is stale."""

import re
import sys
from inspect import cleandoc
from pathlib import Path

from sigmasight_core.tables import TABLES, Table, grain, primary_key, table_name
from sigmasight_core.tables.base import Audit
from sigmasight_dagster.settings import project_root

DICTIONARY = Path("docs") / "data_dictionary.md"
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|#|mailto:)([^)#\s]+)")


def data_dictionary() -> str:
    """Markdown of every table and column: type, unit, whether NULL is allowed, description."""
    parts = [
        "# Data dictionary",
        "",
        "Generated from `sigmasight_core/tables` by `make docs`. Schema `sigmasight`. Every table also has",
        "the audit columns: " + "; ".join(f"`{name}` ({text})" for name, text in _audit_columns()) + ".",
        "A value is NULL only where `status` says why; `<table>_latest` is the view of the newest partition.",
        "",
    ]
    for model in TABLES:
        parts += _table_section(model)
    return "\n".join(parts)


def _audit_columns() -> list[tuple[str, str]]:
    return [(str(name), str(column.description)) for name, column in Audit.to_schema().columns.items()]


def _table_section(model: type[Table]) -> list[str]:
    partitions = " x ".join(grain(model).value) or "not partitioned"
    lines = [
        f"## {table_name(model)}",
        "",
        f"{cleandoc(model.__doc__ or '')} Partitions: {partitions}. Key: {', '.join(primary_key(model))}.",
        "",
        "| column | type | unit | NULL | meaning |",
        "|---|---|---|---|---|",
    ]
    for name, column in model.to_schema().columns.items():
        unit = (column.metadata or {}).get("unit") or "-"
        nullable = "yes" if column.nullable else "no"
        description = str(column.description).replace("|", "\\|")
        lines.append(f"| {name} | {_type_name(str(column.dtype))} | {unit} | {nullable} | {description} |")
    return [*lines, ""]


def _type_name(dtype: str) -> str:
    names = {
        "datetime64[ns]": "date",
        "float64": "number",
        "Int64": "integer",
        "int64": "integer",
        "object": "array of numbers",
    }
    return names.get(dtype, "text")


def broken_links(root: Path) -> list[str]:
    """Relative links and images of the Markdown pages that lead nowhere, as 'page: target'."""
    pages = [*root.glob("*.md"), *(root / "docs").rglob("*.md"), *(root / "examples").rglob("*.md")]
    return [
        f"{page.relative_to(root)}: {target}"
        for page in pages
        for target in _LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]


def check(root: Path) -> list[str]:
    """What is wrong with the docs: stale generated pages and broken links."""
    page = root / DICTIONARY
    stale = not page.exists() or page.read_text(encoding="utf-8") != data_dictionary()
    problems = [f"{DICTIONARY} does not match the row models: run make docs"] if stale else []
    return problems + [f"broken link in {link}" for link in broken_links(root)]


def main(arguments: list[str]) -> int:
    """Write the generated pages, or with --check compare them."""
    root = project_root()
    if "--check" not in arguments:
        (root / DICTIONARY).write_text(data_dictionary(), encoding="utf-8")
        return 0
    problems = check(root)
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    sys.stdout.write("docs: ok\n" if not problems else "")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
