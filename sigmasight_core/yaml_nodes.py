"""Reading YAML nodes with their line numbers, so that every complaint names file, line, key and cure."""

import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping

import yaml

from sigmasight_core.errors import InputError

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


class Complaints:
    """Everything that is wrong with one file, in the order of discovery."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines: list[str] = []

    def add(self, node: yaml.Node, path: str, problem: str) -> None:
        """Note a problem of the key `path` at the line of `node`; `problem` ends with the cure."""
        self.lines.append(f"{self.source}:{line_of(node)}: {path}: {problem}")

    def raise_if_any(self) -> None:
        """Raise one InputError with one line per problem."""
        if self.lines:
            raise InputError("\n".join(self.lines))


def line_of(node: yaml.Node) -> int:
    """Line of a node in its file, from 1."""
    return int(node.start_mark.line) + 1


def compose(text: str, source: str, root_key: str = "scenarios") -> yaml.Node:
    """Parse one YAML document without building objects.

    :param root_key: what an empty document should have had.
    :raises InputError: on a syntax error (with its line) and on an empty document.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{source}:{mark.line + 1}" if mark else source
        raise InputError(f"{where}: not YAML: {error.problem or error.context}; correct the syntax") from None
    except yaml.YAMLError as error:
        raise InputError(f"{source}: not YAML: {' '.join(str(error).split())}; correct the syntax") from None
    if root is None:
        raise InputError(f"{source}:1: {root_key}: the file is empty; add '{root_key}:' with a list below it")
    return root


def mapping(
    node: yaml.Node,
    path: str,
    complaints: Complaints,
    *,
    required: Collection[str],
    optional: Collection[str] = (),
) -> dict[str, yaml.Node]:
    """Fields of a mapping node; unknown, duplicate, missing and empty keys are noted."""
    allowed = [*required, *optional]
    fields = {}
    for name, key, child in pairs(node, path, complaints):
        if name in allowed:
            fields[name] = child
        else:
            complaints.add(key, join(path, name), f"unknown key; use {', '.join(allowed)}")
    for name in required:
        if name not in fields and isinstance(node, yaml.MappingNode):
            complaints.add(node, join(path, name), "missing; add it")
    return fields


def pairs(node: yaml.Node, path: str, complaints: Complaints) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    """Names, key nodes and value nodes of a mapping node; another kind of node and duplicates are noted."""
    if not isinstance(node, yaml.MappingNode):
        complaints.add(node, path, "must be a mapping; write 'key: value' lines below it")
        return
    seen: set[str] = set()
    for key, child in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else "?"
        if name in seen:
            complaints.add(key, join(path, name), "duplicate key; keep one of them")
            continue
        seen.add(name)
        yield name, key, child


def items(node: yaml.Node, path: str, complaints: Complaints) -> list[yaml.Node]:
    """Elements of a non-empty sequence node."""
    if isinstance(node, yaml.SequenceNode) and node.value:
        return list(node.value)
    complaints.add(node, path, "must be a list with at least one entry; start each entry with '- '")
    return []


def text(node: yaml.Node | None, path: str, complaints: Complaints) -> str:
    """A non-empty string; '' after a complaint."""
    if node is None:
        return ""
    if isinstance(node, yaml.ScalarNode) and node.value.strip():
        return node.value.strip()
    complaints.add(node, path, "must be a text; write it after the colon")
    return ""


def choice(node: yaml.Node | None, path: str, complaints: Complaints, allowed: Collection[str]) -> str:
    """One of the allowed words; '' after a complaint."""
    word = text(node, path, complaints)
    if node is not None and word and word not in allowed:
        complaints.add(node, path, f"unknown value '{word}'; use {', '.join(allowed)}")
        return ""
    return word


def number(node: yaml.Node | None, path: str, complaints: Complaints) -> float | None:
    """A finite decimal number (YAML's octal, sexagesimal, .inf and .nan forms are refused)."""
    if node is None:
        return None
    if isinstance(node, yaml.ScalarNode) and _NUMBER.fullmatch(node.value):
        return float(node.value)
    shown = node.value if isinstance(node, yaml.ScalarNode) else "a list or mapping"
    complaints.add(node, path, f"'{shown}' is not a number; write a decimal number such as -10 or 2.5")
    return None


def date(fields: Mapping[str, yaml.Node], name: str, path: str, complaints: Complaints) -> dt.date | None:
    """A date in ISO form; None after a complaint or if there is none."""
    node = fields.get(name)
    if node is None:
        return None
    word = text(node, join(path, name), complaints)
    try:
        return dt.date.fromisoformat(word)
    except ValueError:
        complaints.add(node, join(path, name), f"'{word}' is not a date; write it as 2020-02-19")
        return None


def join(path: str, name: str) -> str:
    """Dotted path of a key."""
    return f"{path}.{name}" if path else name
