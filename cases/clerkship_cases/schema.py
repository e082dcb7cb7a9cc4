"""The JSON Schema of ``case.yml``, made from the record that reads it.

``cases/case.schema.json`` is this schema, kept in the repository for editors and for other programs::

    python -m clerkship_cases.schema > cases/case.schema.json
"""

from __future__ import annotations

import json
import sys
from typing import Any

from clerkship_cases.licence import LICENCES
from clerkship_cases.record import CaseRecord

#: Raised by one when a record that was valid would no longer be.
SCHEMA_VERSION = 1


def case_schema() -> dict[str, Any]:
    """Return the schema of a case record (JSON Schema, draft 2020-12)."""
    schema = CaseRecord.model_json_schema()
    licence = schema["properties"]["licence_code"]["anyOf"][0]
    licence["pattern"] = (
        "^("
        + "|".join(code.replace(".", r"\.") for code in LICENCES)
        + r"|LicenseRef-[A-Za-z0-9.-]+)$"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:clerkship:case:{SCHEMA_VERSION}",
        **schema,
        "title": "A case of the Clerkship library (case.yml)",
    }


def schema_text() -> str:
    """Return the schema as the file in the repository holds it."""
    return json.dumps(case_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
