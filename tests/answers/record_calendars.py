"""python -m tests.answers.record_calendars: write the calendars that come with the program, by the library."""

from __future__ import annotations

import numpy as np

from marketdata.calendars import build_by_library, bundled_path

CALENDARS = ("XKRX", "XNYS")
"""Those of the markets that take seconds to build."""


def main() -> None:
    """Write a file for each of `CALENDARS`; those of other versions are deleted."""
    for calendar in CALENDARS:
        path = bundled_path(calendar)
        path.parent.mkdir(exist_ok=True)
        for old in path.parent.glob(f"{calendar}-*.npz"):
            old.unlink()
        sessions, minutes = build_by_library(calendar)
        steps = np.diff(sessions.astype(np.int64), prepend=0).astype(np.int16)
        np.savez_compressed(path, steps=steps, minutes=minutes)
        print(path)


if __name__ == "__main__":
    main()
