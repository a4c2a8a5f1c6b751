"""Small pieces of a preset's YAML: lists of texts, patterns, and the formats of numbers and dates."""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

import yaml

from sigmasight_core import yaml_nodes
from sigmasight_core.brokers.presets.rules import SIGNS, DateFormat, ImpliedFees, NumberFormat, Sections
from sigmasight_core.yaml_nodes import Complaints

_NUMBER_KEYS: Final = ("decimal", "thousands", "currency", "negative", "drop")


def texts(node: yaml.Node | None, path: str, complaints: Complaints) -> tuple[str, ...]:
    """One text, or a list of them."""
    if node is None:
        return ()
    if not isinstance(node, yaml.SequenceNode):
        return tuple(filter(None, (yaml_nodes.text(node, path, complaints),)))
    found = (yaml_nodes.text(item, path, complaints) for item in yaml_nodes.items(node, path, complaints))
    return tuple(filter(None, found))


def pattern(node: yaml.Node | None, path: str, complaints: Complaints) -> re.Pattern[str]:
    """A regular expression, without regard to case ("" = an empty text); none matches after a complaint."""
    never = re.compile(r"(?!)")
    if isinstance(node, yaml.ScalarNode) and node.style and not node.value:
        return re.compile("")
    written = yaml_nodes.text(node, path, complaints)
    if node is None or not written:
        return never
    try:
        return re.compile(written, re.IGNORECASE | re.DOTALL)
    except re.error as error:
        complaints.add(node, path, f"'{written}' is not a regular expression ({error}); correct it")
        return never


def patterns(node: yaml.Node | None, path: str, complaints: Complaints) -> tuple[re.Pattern[str], ...]:
    """One regular expression, or a list of them."""
    if node is None:
        return ()
    nodes = yaml_nodes.items(node, path, complaints) if isinstance(node, yaml.SequenceNode) else [node]
    return tuple(pattern(item, path, complaints) for item in nodes)


def of_choices(
    node: yaml.Node | None, path: str, complaints: Complaints, allowed: Collection[str]
) -> tuple[str, ...]:
    """One of the allowed words, or a list of them."""
    nodes = yaml_nodes.items(node, path, complaints) if isinstance(node, yaml.SequenceNode) else [node]
    return tuple(filter(None, (yaml_nodes.choice(item, path, complaints, allowed) for item in nodes)))


def numbers(node: yaml.Node, path: str, complaints: Complaints) -> NumberFormat:
    """`numbers:`; the separators may be empty."""
    fields = yaml_nodes.mapping(node, path, complaints, required=(), optional=_NUMBER_KEYS)
    given: dict[str, Any] = {}
    for name in ("decimal", "thousands"):
        if name in fields:
            given[name] = _sign(fields[name], f"{path}.{name}", complaints)
    for name in ("currency", "drop"):
        given[name] = texts(fields.get(name), f"{path}.{name}", complaints)
    if "negative" in fields:
        given["negative"] = of_choices(fields["negative"], f"{path}.negative", complaints, SIGNS)
    form = NumberFormat(**given)
    if form.decimal == form.thousands or not form.decimal:
        complaints.add(node, path, "decimal and thousands are the same sign, or decimal is empty; name both")
    return form


def _sign(node: yaml.Node, path: str, complaints: Complaints) -> str:
    if isinstance(node, yaml.ScalarNode) and len(node.value) <= 1:
        return str(node.value)
    complaints.add(node, path, 'must be one sign in quotes, such as ","; "" = none')
    return ""


def dates(node: yaml.Node, path: str, complaints: Complaints) -> DateFormat:
    """`dates:`, formats of strptime and which part of the text they are of."""
    fields = yaml_nodes.mapping(node, path, complaints, required=("formats",), optional=("part",))
    formats = texts(fields.get("formats"), f"{path}.formats", complaints)
    for form in formats:
        if not {"%d", "%m"} <= {form[at : at + 2].replace("%b", "%m") for at in range(len(form))}:
            complaints.add(
                node, f"{path}.formats", f"'{form}' has no day or month; write %m/%d/%Y or the like"
            )
    part = pattern(fields["part"], f"{path}.part", complaints) if "part" in fields else None
    if part is not None and part.groups != 1:
        complaints.add(fields["part"], f"{path}.part", "needs one group in (), which is the date")
    return DateFormat(formats, part)


def sections(node: yaml.Node, path: str, complaints: Complaints) -> Sections:
    """`sections:`, where a row says to which table it belongs."""
    needed, more = ("name", "row", "header", "data"), ("skipped", "others")
    fields = yaml_nodes.mapping(node, path, complaints, required=needed, optional=more)
    places = {
        name: yaml_nodes.number(fields.get(name), f"{path}.{name}", complaints) for name in ("name", "row")
    }
    for name, place in places.items():
        if place is not None and (place < 1 or place % 1):
            complaints.add(fields[name], f"{path}.{name}", "must be the place of a field in a row, from 1")
    words = {
        name: yaml_nodes.text(fields.get(name), f"{path}.{name}", complaints) for name in ("header", "data")
    }
    lists = {name: texts(fields.get(name), f"{path}.{name}", complaints) for name in more}
    return Sections(
        int(places["name"] or 1), int(places["row"] or 2), words["header"], words["data"], **lists
    )


def implied_fees(node: yaml.Node, path: str, complaints: Complaints) -> ImpliedFees:
    """`implied_fees:`, both not negative."""
    names = ("per_contract", "of_gross")
    fields = yaml_nodes.mapping(node, path, complaints, required=(), optional=names)
    found = {}
    for name, child in fields.items():
        value = yaml_nodes.number(child, f"{path}.{name}", complaints)
        if value is not None and value < 0:
            complaints.add(child, f"{path}.{name}", "must not be negative")
        found[name] = value or 0.0
    return ImpliedFees(**found)


def words_by_name(node: yaml.Node, path: str, complaints: Complaints) -> Mapping[str, str]:
    """A mapping of texts, such as tickers by ISIN."""
    found = yaml_nodes.pairs(node, path, complaints)
    return {name: yaml_nodes.text(child, f"{path}.{name}", complaints) for name, _, child in found}
