"""What the user says of a source: where it is, and what its bytes do not tell."""

import dataclasses
from pathlib import Path

import numpy as np


@dataclasses.dataclass(frozen=True)
class Request:
    """A file or folder, the name of the patterns inside (empty: the only ones there are), and how raw numbers lie."""

    file: Path
    inside: str = ""
    kind: str = ""  # a key of ADAPTERS; empty: by content and name
    axes: list[str] | None = None
    shape: tuple[int, ...] | None = None
    dtype: np.dtype | None = None
    header_bytes: int = 0
    reader: str = ""  # of rosettasciio; empty: by the name's ending

    @property
    def name(self) -> str:
        return f"{self.file}::{self.inside}" if self.inside else str(self.file)
