"""A preset's YAML to its rules, and a complaint with file, line and key for every mistake."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import yaml

from sigmasight_core import yaml_nodes
from sigmasight_core.brokers.presets import nodes
from sigmasight_core.brokers.presets.row_rules import rows
from sigmasight_core.brokers.presets.rules import FIELDS, OPTION_PARTS, Extraction, Must, Preset, TableRules
from sigmasight_core.conventions import PORTFOLIO_NAME_PATTERN
from sigmasight_core.yaml_nodes import Complaints

RESERVED: Final = ("auto", "positions")
"""Names of formats that are no presets."""
_NEEDED: Final = ("title", "dates", "tables")
_KEYS: Final = (
    *_NEEDED,
    *(
        "currency",
        "delimiter",
        "preamble",
        "footer",
        "blanks",
        "sections",
        "implied_fees",
        "symbols",
        "numbers",
    ),
)
_TABLE: Final = ("name", "header", "rows")
_TABLE_MORE: Final = ("fields", "unused", "must", "extract", "amounts", "costs", "signs")
_DELIMITERS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}


def parse_preset(text: str, source: str, bases: Mapping[str, Preset] | None = None) -> Preset:
    """Read one preset.

    :param source: name of the file, for messages.
    :param bases: presets that `extends: NAME` may name: what the file does not say is that preset's.
    :raises InputError: one line, "file:line: key: problem; cure", for each mistake.
    """
    complaints = Complaints(source)
    root = yaml_nodes.mapping(
        yaml_nodes.compose(text, source, "preset"),
        "",
        complaints,
        required=("preset",),
        optional=("extends", *_KEYS),
    )
    name = yaml_nodes.text(root.get("preset"), "preset", complaints)
    if "preset" in root and name and (not _is_name(name) or name in RESERVED):
        complaints.add(root["preset"], "preset", f"'{name}' cannot be its name; use a-z, 0-9, '_' and '-'")
    base = _base(root.get("extends"), complaints, bases or {})
    given = {key: _value(key, root[key], complaints) for key in _KEYS if key in root}
    if base is None and "extends" not in root:
        for key in _NEEDED:
            if key not in root and "preset" in root:
                complaints.add(root["preset"], key, "missing; add it, or 'extends: NAME' of another preset")
    complaints.raise_if_any()
    if base is not None:
        symbols = {**base.symbols, **given.pop("symbols", {})}
        made = replace(base, name=name, source=source, symbols=symbols, **given)
    else:
        made = Preset(name=name, source=source, **given)
    _check_currency(made, root, complaints)
    complaints.raise_if_any()
    return made


def _is_name(word: str) -> bool:
    return re.fullmatch(PORTFOLIO_NAME_PATTERN, word) is not None


def _base(node: yaml.Node | None, complaints: Complaints, bases: Mapping[str, Preset]) -> Preset | None:
    word = yaml_nodes.choice(node, "extends", complaints, bases)
    return bases.get(word)


def _value(key: str, node: yaml.Node, complaints: Complaints) -> Any:
    """What one key at the top of the file says."""
    if key in ("title", "currency"):
        return yaml_nodes.text(node, key, complaints)
    if key == "delimiter":
        return _DELIMITERS.get(yaml_nodes.choice(node, key, complaints, _DELIMITERS), ",")
    if key in ("preamble", "footer"):
        return nodes.patterns(node, key, complaints)
    if key == "blanks":
        return nodes.texts(node, key, complaints)
    if key == "tables":
        items = enumerate(yaml_nodes.items(node, key, complaints))
        return tuple(_table(item, f"tables[{number}]", complaints) for number, item in items)
    readers = {
        "sections": nodes.sections,
        "implied_fees": nodes.implied_fees,
        "symbols": nodes.words_by_name,
        "dates": nodes.dates,
        "numbers": nodes.numbers,
    }
    return readers[key](node, key, complaints)


def _table(node: yaml.Node, path: str, complaints: Complaints) -> TableRules:
    found = yaml_nodes.mapping(node, path, complaints, required=_TABLE, optional=_TABLE_MORE)
    header: tuple[tuple[str, ...], ...] = ()
    if "header" in found:
        entries = yaml_nodes.items(found["header"], f"{path}.header", complaints)
        header = tuple(nodes.texts(entry, f"{path}.header", complaints) for entry in entries)
    amounts = yaml_nodes.choice(found.get("amounts"), f"{path}.amounts", complaints, ("net", "gross"))
    costs = yaml_nodes.choice(found.get("costs"), f"{path}.costs", complaints, ("positive", "negative"))
    signs = yaml_nodes.choice(found.get("signs"), f"{path}.signs", complaints, ("written", "by kind"))
    rules = rows(found.get("rows"), f"{path}.rows", complaints)
    if "fields" not in found and any(not (rule.ignore or rule.refuse) for rule in rules):
        complaints.add(
            node, f"{path}.fields", "missing, and some rows are read; add it, with the date at least"
        )
    return TableRules(
        name=yaml_nodes.text(found.get("name"), f"{path}.name", complaints),
        header=header,
        fields=_fields(found.get("fields"), f"{path}.fields", complaints),
        rows=rules,
        unused=nodes.texts(found.get("unused"), f"{path}.unused", complaints),
        must=_must(found.get("must"), f"{path}.must", complaints),
        extract=_extract(found.get("extract"), f"{path}.extract", complaints),
        net=amounts != "gross",
        costs_negative=costs == "negative",
        signed=signs != "by kind",
    )


def _fields(node: yaml.Node | None, path: str, complaints: Complaints) -> dict[str, tuple[str, ...]]:
    if node is None:
        return {}
    found = yaml_nodes.mapping(node, path, complaints, required=("date",), optional=FIELDS[1:])
    return {name: nodes.texts(child, f"{path}.{name}", complaints) for name, child in found.items()}


def _must(node: yaml.Node | None, path: str, complaints: Complaints) -> tuple[Must, ...]:
    made = []
    for number, item in enumerate(yaml_nodes.items(node, path, complaints) if node is not None else []):
        here = f"{path}[{number}]"
        found = yaml_nodes.mapping(item, here, complaints, required=("column", "is", "reason"))
        column = yaml_nodes.text(found.get("column"), f"{here}.column", complaints)
        allowed = nodes.pattern(found.get("is"), f"{here}.is", complaints)
        made.append(Must(column, allowed, yaml_nodes.text(found.get("reason"), f"{here}.reason", complaints)))
    return tuple(made)


def _extract(node: yaml.Node | None, path: str, complaints: Complaints) -> tuple[Extraction, ...]:
    made = []
    for number, item in enumerate(yaml_nodes.items(node, path, complaints) if node is not None else []):
        here = f"{path}[{number}]"
        found = yaml_nodes.mapping(item, here, complaints, required=("column", "pattern"))
        pattern = nodes.pattern(found.get("pattern"), f"{here}.pattern", complaints)
        unknown = sorted(set(pattern.groupindex) - {*FIELDS, *OPTION_PARTS})
        if "pattern" in found and (unknown or not pattern.groupindex):
            names = ", ".join((*FIELDS, *OPTION_PARTS))
            what = f"unknown groups {', '.join(unknown)}" if unknown else "no group (?P<name>...)"
            complaints.add(found["pattern"], f"{here}.pattern", f"{what}; name groups as {names}")
        made.append(Extraction(yaml_nodes.text(found.get("column"), f"{here}.column", complaints), pattern))
    return tuple(made)


def _check_currency(preset: Preset, root: Mapping[str, yaml.Node], complaints: Complaints) -> None:
    """Without a column of currencies the preset says which one it is."""
    missing = [table.name for table in preset.tables if table.fields and "currency" not in table.fields]
    if missing and not preset.currency:
        where = root.get("tables") or root["preset"]
        complaints.add(
            where,
            "currency",
            f"no column of table {', '.join(missing)} says the currency; write 'currency: USD' where every "
            "amount is in USD",
        )
