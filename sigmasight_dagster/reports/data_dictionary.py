"""Generated pages of docs/: the data dictionary, the schema of reports, and the data contract.

`--check` fails on a stale one. A contract that breaks the one before without a new version is not written.
"""

import re
import sys
from inspect import cleandoc
from pathlib import Path

from sigmasight_core.report.document.schema import json_schema
from sigmasight_core.tables import TABLES, Table, grain, primary_key, table_name
from sigmasight_core.tables.base import Audit
from sigmasight_dagster.reports import contract, dbt_sources
from sigmasight_dagster.reports.compatibility import refusals
from sigmasight_dagster.settings import project_root
from sigmasight_dagster.warehouse.layout.view import View
from sigmasight_dagster.warehouse.layout.views import EVERYDAY

DICTIONARY = Path("docs") / "data_dictionary.md"
REPORT_SCHEMA = Path("docs") / "portfolio_report.schema.json"
CONTRACT = Path("docs") / "contract" / "sigmasight.odcs.yaml"
DBT_SOURCES = Path("docs") / "contract" / "sources.yml"
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|#|mailto:)([^)#\s]+)")


def data_dictionary() -> str:
    """Markdown of every table and column: type, unit, whether NULL is allowed, description."""
    parts = [
        "# Data dictionary",
        "",
        "Generated from `sigmasight_core/tables` by `make docs`. Schema `sigmasight`. Every table also has",
        "the audit columns: " + "; ".join(f"`{name}` ({text})" for name, text in _audit_columns()) + ".",
        "A value is NULL only where `status` says why.",
        "",
        "**Read the views.** Rows of results that no longer count as published (their ledger was replaced)",
        "stay in their table until they are computed again; of a partition that counts, `publications` has",
        "a row. The tables also have the scenarios that are kept for comparison (`scenarios.comparison`).",
        "The views have neither: `<table>_latest` is the newest published partition of each partitioned",
        "table, and the [views at the end](#views) answer everyday questions in one line: see",
        "[the cookbook](cookbook.md).",
        "",
    ]
    for model in TABLES:
        parts += _table_section(model)
    parts += ["## Views", ""]
    for view in EVERYDAY:
        parts += _view_section(view)
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
        description = _escaped(str(column.description))
        lines.append(f"| {name} | {_type_name(str(column.dtype))} | {unit} | {nullable} | {description} |")
    return [*lines, ""]


def _view_section(view: View) -> list[str]:
    rows = [f"| {name} | {_escaped(meaning)} |" for name, meaning in view.described().items()]
    return [f"### {view.name}", "", f"{view.about}.", "", "| column | meaning |", "|---|---|", *rows, ""]


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


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


def pages() -> dict[Path, str]:
    """The generated pages by their place below the project's root."""
    return {
        DICTIONARY: data_dictionary(),
        REPORT_SCHEMA: json_schema(),
        CONTRACT: contract.as_yaml(contract.odcs()),
        DBT_SOURCES: contract.as_yaml(dbt_sources.sources()),
    }


def broken_promises(root: Path) -> list[str]:
    """What of the stored contract no longer holds, though its version is the same."""
    if not (root / CONTRACT).exists():
        return []
    found = refusals((root / CONTRACT).read_text(encoding="utf-8"), contract.odcs())
    cure = "keep it, or raise the first number of VERSION in sigmasight_dagster/reports/contract.py"
    return [f"{CONTRACT}: {reason}: {cure}" for reason in found]


def check(root: Path) -> list[str]:
    """What is wrong with the docs: broken promises, stale generated pages and broken links."""
    stale = [
        page
        for page, content in pages().items()
        if not (root / page).exists() or (root / page).read_text(encoding="utf-8") != content
    ]
    problems = [f"{page} does not match the row models: run make docs" for page in stale]
    return [*broken_promises(root), *problems, *(f"broken link in {link}" for link in broken_links(root))]


def main(arguments: list[str]) -> int:
    """Write the generated pages, or with --check compare them."""
    root = project_root()
    checking = "--check" in arguments
    problems = check(root) if checking else broken_promises(root)
    if not checking and not problems:
        for page, content in pages().items():
            (root / page).parent.mkdir(exist_ok=True)
            (root / page).write_text(content, encoding="utf-8")
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    sys.stdout.write("docs: ok\n" if checking and not problems else "")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
