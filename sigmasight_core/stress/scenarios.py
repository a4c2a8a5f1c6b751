"""Stress scenarios: what a scenario is, and how scenario files are read and checked.

A file is a YAML mapping with one key, ``scenarios``: a list of entries with the keys ``id``, ``name``,
``category``, ``severity``, ``basis``, ``shocks`` and, for historical ones, ``provenance``. A shock is
``factor: {value: -10, unit: percent}``; rates take ``unit: basis_points``. ``description`` and ``comparison:
true`` (for what is there to be compared with alone) may be left out.
"""

import datetime as dt
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from math import log1p
from typing import Final

import yaml

from sigmasight_core import yaml_nodes
from sigmasight_core.errors import InputError
from sigmasight_core.factors.config import DEFAULT_KINDS

RATES: Final = "rates"
"""Id of the one factor that is shocked in basis points; every other factor is shocked in percent."""
CATEGORIES: Final = ("market", "rates", "rotation", "volatility", "historical")
SEVERITIES: Final = ("mild", "moderate", "severe", "extreme")
BASES: Final = ("total_return",)
PERCENT: Final = "percent"
BASIS_POINTS: Final = "basis_points"
LARGEST_VALUE: Final = {PERCENT: 1_000.0, BASIS_POINTS: 2_000.0}
"""Shocks beyond these are taken for slips of the pen or of the unit."""

_ID = re.compile(r"[a-z0-9][a-z0-9_]{0,62}")
_REQUIRED = ("id", "name", "category", "severity", "basis", "shocks")
_OPTIONAL = ("provenance", "description", "comparison")


@dataclass(frozen=True)
class Shock:
    """The whole move of one factor: its total return in percent, or a yield change in basis points."""

    factor: str
    value: float
    unit: str

    @property
    def state_move(self) -> float:
        """The move in the unit of the state: log return, or percentage points for rates."""
        return self.value / 100.0 if self.unit == BASIS_POINTS else log1p(self.value / 100.0)


@dataclass(frozen=True)
class Provenance:
    """Where the numbers of a scenario come from, and the period that they describe."""

    source: str
    start: dt.date | None = None
    end: dt.date | None = None


@dataclass(frozen=True)
class Scenario:
    """A set of factor shocks with its label; `source` and `line` say where it was written."""

    id: str
    name: str
    category: str
    severity: str
    basis: str
    shocks: tuple[Shock, ...]
    provenance: Provenance | None = None
    description: str = ""
    comparison: bool = False
    source: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)


def load_scenarios(text: str, source: str, factor_ids: Collection[str]) -> tuple[Scenario, ...]:
    """Read and check one scenario file.

    :param text: the YAML text. :param source: the file name for messages. :param factor_ids: factors of
        the configured model, available or not; another factor in a shock is refused.
    :raises InputError: one line ``file:line: key: problem; cure`` per problem: bad YAML, unknown,
        missing or duplicate key, unknown factor, category or unit, a shock at or below -100%, a number
        that is not finite, a duplicate id, a historical scenario without provenance.
    """
    complaints = yaml_nodes.Complaints(source)
    root = yaml_nodes.mapping(
        yaml_nodes.compose(text, source), "scenarios", complaints, required=("scenarios",)
    )
    nodes = yaml_nodes.items(root["scenarios"], "scenarios", complaints) if "scenarios" in root else []
    found = [_scenario(node, index, complaints, factor_ids) for index, node in enumerate(nodes)]
    seen: dict[str, Scenario] = {}
    for node, scenario in zip(nodes, found, strict=True):
        first = seen.setdefault(scenario.id, scenario)
        if scenario.id and first is not scenario:
            complaints.add(
                node,
                f"{scenario.id}.id",
                f"duplicate id, already used in line {first.line}; rename one of them",
            )
    complaints.raise_if_any()
    return tuple(found)


def merge_scenarios(*groups: Iterable[Scenario]) -> tuple[Scenario, ...]:
    """Scenarios of several files in one tuple, in the order given.

    :raises InputError: when two files use the same id; both places are named.
    """
    merged: dict[str, Scenario] = {}
    for scenario in (scenario for group in groups for scenario in group):
        first = merged.setdefault(scenario.id, scenario)
        if first is not scenario:
            raise InputError(
                f"{scenario.source}:{scenario.line}: {scenario.id}.id: duplicate id, already used in "
                f"{first.source}:{first.line}; rename one of them"
            )
    return tuple(merged.values())


def default_scenarios(factor_ids: Collection[str]) -> tuple[Scenario, ...]:
    """The scenarios that SigmaSight ships.

    They may name factors that a smaller configured model leaves out: such factors are unavailable, and
    the stress results say so.
    """
    text = files("sigmasight_core.stress").joinpath("scenarios.yaml").read_text(encoding="utf-8")
    return load_scenarios(text, "sigmasight_core/stress/scenarios.yaml", {*factor_ids, *DEFAULT_KINDS})


def _scenario(
    node: yaml.Node, index: int, complaints: yaml_nodes.Complaints, factor_ids: Collection[str]
) -> Scenario:
    place = _place(node, index)
    fields = yaml_nodes.mapping(node, place, complaints, required=_REQUIRED, optional=_OPTIONAL)
    scenario_id = _identifier(fields.get("id"), f"{place}.id", complaints)
    category = yaml_nodes.choice(fields.get("category"), f"{place}.category", complaints, CATEGORIES)
    return Scenario(
        id=scenario_id,
        name=yaml_nodes.text(fields.get("name"), f"{place}.name", complaints),
        category=category,
        severity=yaml_nodes.choice(fields.get("severity"), f"{place}.severity", complaints, SEVERITIES),
        basis=yaml_nodes.choice(fields.get("basis"), f"{place}.basis", complaints, BASES),
        shocks=_shocks(fields.get("shocks"), f"{place}.shocks", complaints, factor_ids),
        provenance=_provenance(fields.get("provenance"), f"{place}.provenance", complaints, category, node),
        description=yaml_nodes.text(fields.get("description"), f"{place}.description", complaints),
        comparison=yaml_nodes.choice(
            fields.get("comparison"), f"{place}.comparison", complaints, ("true", "false")
        )
        == "true",
        source=complaints.source,
        line=yaml_nodes.line_of(node),
    )


def _place(node: yaml.Node, index: int) -> str:
    """How messages call an entry: by its id, or by its number while it has none."""
    entries = node.value if isinstance(node, yaml.MappingNode) else []
    ids = (str(value.value) for key, value in entries if key.value == "id")
    return next((word for word in ids if _ID.fullmatch(word)), f"scenarios[{index}]")


def _identifier(node: yaml.Node | None, path: str, complaints: yaml_nodes.Complaints) -> str:
    word = yaml_nodes.text(node, path, complaints)
    if node is not None and word and not _ID.fullmatch(word):
        complaints.add(node, path, f"'{word}' is not an id; use lower-case letters, digits and underscores")
        return ""
    return word


def _shocks(
    node: yaml.Node | None, path: str, complaints: yaml_nodes.Complaints, factor_ids: Collection[str]
) -> tuple[Shock, ...]:
    if node is None:
        return ()
    known = list(yaml_nodes.pairs(node, path, complaints))
    if not known and isinstance(node, yaml.MappingNode):
        complaints.add(
            node, path, "no factor is shocked; name at least one of " + ", ".join(sorted(factor_ids))
        )
    for factor, key, _ in known:
        if factor not in factor_ids:
            complaints.add(
                key, f"{path}.{factor}", f"unknown factor; use one of {', '.join(sorted(factor_ids))}"
            )
    shocks = (_shock(factor, child, f"{path}.{factor}", complaints) for factor, _, child in known)
    return tuple(shock for shock in shocks if shock is not None)


def _shock(factor: str, node: yaml.Node, path: str, complaints: yaml_nodes.Complaints) -> Shock | None:
    unit = BASIS_POINTS if factor == RATES else PERCENT
    if not isinstance(node, yaml.MappingNode):
        complaints.add(node, path, f"a shock needs its unit; write {{value: -10, unit: {unit}}}")
        return None
    fields = yaml_nodes.mapping(node, path, complaints, required=("value", "unit"))
    yaml_nodes.choice(fields.get("unit"), f"{path}.unit", complaints, (unit,))
    value = yaml_nodes.number(fields.get("value"), f"{path}.value", complaints)
    if value is None:
        return None
    largest = LARGEST_VALUE[unit]
    if unit == PERCENT and value <= -100.0:
        complaints.add(
            fields["value"],
            f"{path}.value",
            f"a fall of {-value:g}% is impossible; keep it above -100 percent",
        )
        return None
    if abs(value) > largest:
        complaints.add(
            fields["value"],
            f"{path}.value",
            f"{value:g} {unit} is out of range; stay within {largest:g} {unit}",
        )
        return None
    return Shock(factor, value, unit)


def _provenance(
    node: yaml.Node | None, path: str, complaints: yaml_nodes.Complaints, category: str, entry: yaml.Node
) -> Provenance | None:
    historical = category == "historical"
    if node is None:
        if historical:
            complaints.add(entry, path, "missing; a historical scenario needs start, end and source")
        return None
    required = ("start", "end", "source") if historical else ("source",)
    fields = yaml_nodes.mapping(node, path, complaints, required=required, optional=("start", "end"))
    start, end = (yaml_nodes.date(fields, name, path, complaints) for name in ("start", "end"))
    if start and end and start >= end:
        complaints.add(fields["end"], f"{path}.end", f"{end} is not after {start}; correct one of the dates")
    return Provenance(yaml_nodes.text(fields.get("source"), f"{path}.source", complaints), start, end)
