"""Fingerprints of the parts of Dagster that the fast event storage replaces or builds on.

What belongs here: which parts those are, and what of them differs from what the storage was written for.
A version number says nothing of that: most patches of Dagster change none of them, and any patch may.

A fingerprint is a hash of the syntax tree without docstrings: comments, layout and the version of Python do
not matter. `known_dagster.py` has those that the storage was written for.
"""

import ast
import inspect
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from types import CodeType, FunctionType
from typing import Any

import sqlalchemy as sa

LENGTH = 12


@cache
def of_function(function: FunctionType) -> str:
    """Fingerprint of a function, or "no source" where only compiled code is installed."""
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except OSError:
        return "no source"
    return _hashed(_plain(ast.parse(source)))


def of_named(owner: Any, *names: str) -> dict[str, str]:
    """Fingerprints of functions of a module or class; of one that is not there, "missing"."""
    found = {name: inspect.getattr_static(owner, name, None) for name in names}
    plain = {
        name: inspect.unwrap(getattr(value, "__func__", value)) for name, value in found.items() if value
    }
    label = owner.__name__.rpartition(".")[2]
    return {f"{label}.{name}": of_function(plain[name]) if name in plain else "missing" for name in names}


def of_table(table: sa.Table) -> str:
    """Fingerprint of a table's columns: name, type, key, NULL."""
    return _hashed([(str(c.name), str(c.type), c.primary_key, c.nullable) for c in table.columns])


def of_parts(ours: Sequence[type], tables: Sequence[sa.Table]) -> dict[str, str]:
    """Fingerprints of the tables, of the methods that our classes replace or call, and, where ours does the
    work without asking the one that it replaces, of those that this one calls.

    :param ours: subclasses of Dagster's classes.
    """
    parts = {f"table {table.name}": of_table(table) for table in tables}
    called = {name for cls in ours for function in _functions(cls).values() for name in _names(function)}
    for cls in ours:
        replaced = {name: stock for name in _functions(cls) if (stock := _inherited(cls, name))}
        instead = [stock for name, stock in replaced.items() if "super" not in _names(_functions(cls)[name])]
        wanted = called.union(replaced, *map(_names, instead))
        stock_methods = {name: stock for name in sorted(wanted) if (stock := _inherited(cls, name))}
        base = cls.__mro__[1].__name__
        parts |= {f"{base}.{name}": of_function(stock) for name, stock in stock_methods.items()}
    return parts


def changed(parts: Mapping[str, str], known: Mapping[str, str]) -> list[str]:
    """Names of the parts that are not as known, sorted.

    :param known: a fingerprint, or several of what amounts to the same, with spaces between.
    """
    return sorted(name for name, found in parts.items() if found not in known.get(name, "").split())


def _functions(cls: type) -> dict[str, FunctionType]:
    """A class's own methods, without what decorators put around them."""
    unwrapped = {name: inspect.unwrap(getattr(value, "__func__", value)) for name, value in vars(cls).items()}
    return {name: value for name, value in unwrapped.items() if isinstance(value, FunctionType)}


def _inherited(cls: type, name: str) -> FunctionType | None:
    """The method that a class would have without its own of this name."""
    owner = next((base for base in cls.__mro__[1:-1] if name in vars(base)), object)
    return _functions(owner).get(name)


def _names(function: FunctionType) -> set[str]:
    """Names that a function's code looks up."""
    found, codes = set(), [function.__code__]
    while codes:
        code = codes.pop()
        found |= set(code.co_names)
        codes += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
    return found


def _plain(node: Any) -> Any:
    """A syntax tree as nested lists, without docstrings and without fields that say nothing."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {name: value for name, value in ast.iter_fields(node) if value not in (None, [])}
    if isinstance(node, ast.FunctionDef) and ast.get_docstring(node, clean=False) is not None:
        fields["body"] = node.body[1:]
    return [type(node).__name__, *([name, _plain(value)] for name, value in fields.items())]


def _hashed(value: Any) -> str:
    return sha256(repr(value).encode()).hexdigest()[:LENGTH]


def warn(what: str, changed: Sequence[str], instead: str) -> None:
    """Say what differs, and what is done instead."""
    warnings.warn(
        f"Dagster {version('dagster')} differs from what SigmaSight's {what} was written for "
        f"({', '.join(changed)}): {instead}, slower in range runs",
        stacklevel=3,
    )
