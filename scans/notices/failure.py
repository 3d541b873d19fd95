"""Why a channel cannot send."""

from __future__ import annotations

UNREADABLE_ADDRESS = "the address cannot be read with the present key: enter it again"
