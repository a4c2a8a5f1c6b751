"""The hash of a row, as an expression in SQL.

The server hashes each value in its binary form: no text is made, so that no setting (TimeZone, DateStyle,
extra_float_digits) changes it. The functions are those of hash partitions, whose results stay the same from
one version of PostgreSQL to the next, from 14 on. NaN has a hash of its own, -0.0 that of 0.0, to which it is
equal. Each column has a seed, from its name, and NULL counts as 0: neither the order of columns nor a new one
without values changes the hash of a row.

The hashes of a row's columns are hashed once more. Without that, a value that two rows of a partition
exchange would not change what their hashes come to together. A packed table has one row a partition, whose
arrays are hashed as they are: all checksums of a backfill took 0.3 s in place of 0.9.
"""

import zlib
from collections.abc import Iterable
from typing import Final

from sigmasight_core.tables import Audit, Grain, Kind, Publications, Table, facts, grain
from sigmasight_dagster.warehouse.layout.schema import columns, kind, packed_columns, stored_columns

AUDIT: Final = tuple(columns(Audit))

_FUNCTIONS: Final = {
    "text": "hashtextextended({value}, {seed})",
    "float": "hashfloat8extended({value}, {seed})",
    "exact": "hash_numeric_extended({value}, {seed})",
    "vector": "hash_array_extended({value}, {seed})",
    "int": "hashint8extended({value}, {seed})",
}
_OTHER: Final = "hash_record_extended(ROW({value}), {seed})"
"""Of any type; slower, and NULL counts as 0 there already."""


def row_hash(model: type[Table], alias: str, left_out: Iterable[str] = ()) -> str:
    """Expression of type bigint, never NULL, over every stored column of a row but those left out."""
    hashed = {name: column for name, column in stored_columns(model).items() if name not in left_out}
    arrays = packed_columns(model)
    each = " # ".join(_column_hash(n, column, alias, array=n in arrays) for n, column in hashed.items())
    return f"hashint8extended({each or '0'}, 0)"


def of_partition(model: type[Table], alias: str) -> str:
    """Aggregate over the rows of a partition; their order does not matter. NULL of no rows.

    Who wrote a result, and when, is what its publication says: `compare` holds the one against the other.
    """
    own = AUDIT if facts(model).kind is Kind.RESULT else ()
    keys: tuple[str, ...] = grain(model).value
    return f"bit_xor({row_hash(model, alias, {*keys, *own})})"


def of_publication(alias: str) -> str:
    """What a publication says beside how many rows there are, which is compared as it is."""
    return row_hash(Publications, alias, ("n_rows", "checksum", "made_with"))


def of_ledger(model: type[Table], alias: str) -> str:
    """Aggregate over the rows of a portfolio in a table of the ledger; 0 of no rows."""
    if grain(model) is not Grain.UNPARTITIONED:
        raise TypeError(f"{model.__name__} is partitioned: its publications have the checksums")
    return f"coalesce(bit_xor({row_hash(model, alias)}), 0)"


def _column_hash(name: str, column: object, alias: str, *, array: bool) -> str:
    stored = "vector" if array else kind(name, column)
    value, seed = f'{alias}."{name}"', zlib.crc32(name.encode())
    if stored not in _FUNCTIONS:
        return _OTHER.format(value=value, seed=seed)
    made = _FUNCTIONS[stored].format(value=value, seed=seed)
    return f"coalesce({made}, 0)" if getattr(column, "nullable", True) else made
