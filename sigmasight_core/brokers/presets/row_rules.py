"""Rules of rows in a preset's YAML: what a row says, and what it therefore is."""

import re
from typing import Final

import yaml

from sigmasight_core import yaml_nodes
from sigmasight_core.brokers.presets import nodes
from sigmasight_core.brokers.presets.rules import KINDS, NUMBERS, RowRule
from sigmasight_core.yaml_nodes import Complaints

_OUTCOMES: Final = ("kind", "by_sign", "cancels", "ignore", "refuse")
_BY_SIGN: Final = ("of", "positive", "negative")
FROM_AMOUNT: Final = "from amount"


def rows(node: yaml.Node | None, path: str, complaints: Complaints) -> tuple[RowRule, ...]:
    """Every rule, in the order of the file: the first that fits a row is its rule."""
    items = yaml_nodes.items(node, path, complaints) if node is not None else []
    return tuple(_rule(item, f"{path}[{number}]", complaints) for number, item in enumerate(items))


def _rule(node: yaml.Node, path: str, complaints: Complaints) -> RowRule:
    found = yaml_nodes.mapping(node, path, complaints, required=(), optional=("when", *_OUTCOMES, "price"))
    said = [name for name in _OUTCOMES if name in found]
    if len(said) != 1:
        complaints.add(
            node, path, f"must say one of {', '.join(_OUTCOMES)}; it says {' and '.join(said) or 'none'}"
        )
    price = yaml_nodes.choice(found.get("price"), f"{path}.price", complaints, (FROM_AMOUNT,))
    return RowRule(
        line=yaml_nodes.line_of(node),
        when=_when(found.get("when"), f"{path}.when", complaints),
        kind=yaml_nodes.choice(found.get("kind"), f"{path}.kind", complaints, KINDS),
        by_sign=_by_sign(found.get("by_sign"), f"{path}.by_sign", complaints),
        cancels=yaml_nodes.choice(found.get("cancels"), f"{path}.cancels", complaints, KINDS),
        ignore=yaml_nodes.text(found.get("ignore"), f"{path}.ignore", complaints),
        refuse=yaml_nodes.text(found.get("refuse"), f"{path}.refuse", complaints),
        price_from_amount=price == FROM_AMOUNT,
    )


def _when(
    node: yaml.Node | None, path: str, complaints: Complaints
) -> tuple[tuple[str, re.Pattern[str]], ...]:
    if node is None:
        return ()
    found = yaml_nodes.pairs(node, path, complaints)
    return tuple((name, nodes.pattern(child, f"{path}.{name}", complaints)) for name, _, child in found)


def _by_sign(node: yaml.Node | None, path: str, complaints: Complaints) -> tuple[str, str, str] | None:
    if node is None:
        return None
    found = yaml_nodes.mapping(node, path, complaints, required=_BY_SIGN)
    of = yaml_nodes.choice(found.get("of"), f"{path}.of", complaints, NUMBERS)
    kinds = (yaml_nodes.choice(found.get(name), f"{path}.{name}", complaints, KINDS) for name in _BY_SIGN[1:])
    return (of, *kinds)  # type: ignore[return-value]
