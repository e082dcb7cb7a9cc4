"""What every record of this package is made of: fields that are checked, and nothing else."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Line = Annotated[str, Field(min_length=1, max_length=2000)]
CaseId = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Uid = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)*$", max_length=64)]  # PS3.5 9.1


class Strict(BaseModel):
    """A record that refuses unknown fields and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)
