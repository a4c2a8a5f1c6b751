"""Where `docs/` explains a table: its section of the dictionary, and the page that its asset declares."""

from typing import Final

import dagster as dg

DOCS: Final = "docs"
DICTIONARY: Final = "data_dictionary.md"


def links(table: str, page: str = "") -> dict[str, dg.MetadataValue]:
    """Metadata of a table's definition: paths in the repository, which the UI offers to copy.

    :param page: file of `docs/` that explains the calculation; '' = none.
    """
    found = {"columns explained": f"{DICTIONARY}#{table}"} | ({"method explained": page} if page else {})
    return {label: dg.MetadataValue.path(f"{DOCS}/{name}") for label, name in found.items()}
