"""The JSON Schema of a report, from the data object itself."""

import json
from typing import Final

from sigmasight_core.report.document.model import VERSION, report_type

ID: Final = f"urn:sigmasight:portfolio-report:{VERSION}"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> str:
    """The schema as JSON text. A column that a table gets is a key of its rows here too."""
    said = report_type().model_json_schema(mode="serialization")
    return json.dumps({"$schema": DIALECT, "$id": ID, **said}, indent=1, sort_keys=True) + "\n"
