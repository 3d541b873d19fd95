"""The path converter of an instrument's code, for every address that names one."""

from __future__ import annotations

SUBPATHS = ("chart", "scans", "explain", "flows")
"""What follows a code in an address."""


class CodeConverter:
    """A code with a slash in it too, which markets recorded before codes lost theirs: BF/A, and BF%2FA, which a WSGI
    server hands on decoded. What addresses have below a code is no part of it."""

    regex = rf"[^/]+(?:/(?!(?:{'|'.join(SUBPATHS)})(?:/|$))[^/]+)?"

    def to_python(self, value: str) -> str:
        """The code as the address has it; the record finds it in any spelling."""
        return value

    def to_url(self, value: str) -> str:
        """The code; Django quotes what needs it."""
        return value
