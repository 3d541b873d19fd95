"""Why a published session has no picks, in the reader's language."""

from __future__ import annotations

from django.utils.translation import gettext as _

from scans.engines.outcomes import NOTHING_ELIGIBLE
from scans.models import ScanSession
from scans.wording import glossary


def no_picks_reason(session: ScanSession) -> str:
    """A sentence for a session without picks: nothing eligible, a regime that lets nothing through, nothing passed."""
    if session.reason == NOTHING_ELIGIBLE:
        return _("Nothing was eligible.")
    if session.regime and session.reason == f"regime {session.regime}":
        regime = glossary.word(glossary.REGIMES, session.regime)
        return _("Regime %(regime)s: nothing is picked.") % {"regime": regime}
    return _("Nothing passed.")
