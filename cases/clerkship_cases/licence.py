"""Licences by their SPDX identifiers, and what they mean for teaching.

Source
------
SPDX licence list 3.27 (identifiers). A licence that is not on that list is written
``LicenseRef-<name>`` (SPDX specification, annex "licence expressions"), and its words stand in the
record.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

#: SPDX identifier -> name in full. What a case may carry; add a line when a case needs another.
LICENCES = {
    "Apache-2.0": "Apache License 2.0",
    "BSD-3-Clause": "BSD 3-Clause License",
    "CC0-1.0": "Creative Commons Zero 1.0 Universal",
    "CC-BY-2.0": "Creative Commons Attribution 2.0",
    "CC-BY-3.0": "Creative Commons Attribution 3.0",
    "CC-BY-4.0": "Creative Commons Attribution 4.0",
    "CC-BY-SA-4.0": "Creative Commons Attribution Share Alike 4.0",
    "CC-BY-NC-3.0": "Creative Commons Attribution Non Commercial 3.0",
    "CC-BY-NC-4.0": "Creative Commons Attribution Non Commercial 4.0",
    "CC-BY-NC-SA-4.0": "Creative Commons Attribution Non Commercial Share Alike 4.0",
    "MIT": "MIT License",
    "ODC-By-1.0": "Open Data Commons Attribution License 1.0",
    "PDDL-1.0": "Open Data Commons Public Domain Dedication & License 1.0",
}

_OWN = re.compile(r"LicenseRef-[A-Za-z0-9][A-Za-z0-9.-]*")


def is_non_commercial(code: str) -> bool:
    """Tell whether a licence forbids commercial use; a paid course would breach it."""
    return "-NC-" in f"{code}-"


def code_of_short_name(name: str) -> str:
    """Turn a licence as the Imaging Data Commons names it into a code.

    Examples
    --------
    >>> code_of_short_name("CC BY-NC 4.0")
    'CC-BY-NC-4.0'
    >>> code_of_short_name("National Library of Medicine Terms and Conditions; May 21, 2019")
    'LicenseRef-National-Library-of-Medicine-Terms-and-Conditions-May-21-2019'
    """
    words = re.findall(r"[A-Za-z0-9.]+", name)
    code = "-".join(words)
    return code if code in LICENCES else f"LicenseRef-{code}"


def _is_known(code: str) -> str:
    if code in LICENCES or _OWN.fullmatch(code):
        return code
    near = next((known for known in LICENCES if known.lower() == code.lower()), None)
    hint = f" Did you mean {near}?" if near else ""
    raise ValueError(
        f"{code!r} is no licence that is known here.{hint} Known are {', '.join(LICENCES)}; "
        f"any other is written LicenseRef-<name>."
    )


#: An SPDX identifier of :data:`LICENCES`, or ``LicenseRef-<name>``.
LicenceCode = Annotated[str, AfterValidator(_is_known)]
