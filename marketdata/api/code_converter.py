"""The path converter of an instrument's code, for every address that names one."""

from __future__ import annotations

SUBPATHS = ("chart", "scans", "explain", "flows", "overview")
"""The paths below a code."""


class CodeConverter:
    """A code, also one with a slash, which markets recorded before codes lost theirs: BF/A, and BF%2FA, which a WSGI
    server decodes. The paths below a code are not part of it."""

    regex = rf"[^/]+(?:/(?!(?:{'|'.join(SUBPATHS)})(?:/|$))[^/]+)?"

    def to_python(self, value: str) -> str:
        """The code as in the address, in any spelling."""
        return value

    def to_url(self, value: str) -> str:
        """The code, not quoted."""
        return value
