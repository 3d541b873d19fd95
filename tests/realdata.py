"""Where the recorded market data lies, for the tests that use it.

The data is not part of the project. `SEISMO_SHARED_DATA` names its folder; without it the folder `shared/data`
beside the checkout is tried. A test that needs a file which is not there is skipped and says so.
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(os.environ.get("SEISMO_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data")


def path(name: str) -> Path:
    """The file `name` of the recorded data, or a skip that says what is missing."""
    file = FOLDER / name
    if not file.is_file():
        import pytest  # the imitations, which a user starts without the development packages, need the folder alone

        pytest.skip(f"recorded market data {name} is not here (set SEISMO_SHARED_DATA)")
    return file
