"""Why an address of a reader's channel is refused, and how its deliveries went, in the reader's language."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scans.models import Delivery
from scans.notices.apprise_service import HOSTED, NOT_TAKEN, OPTIONS, PUBLIC, UNKNOWN_ADDRESS, AddressRefused, Refusal
from scans.notices.failure import UNREADABLE_ADDRESS

REFUSALS: dict[Refusal, Promise] = {
    Refusal.SCHEMA: _("The address must begin with one of these and ://: %(schemas)s."),
    Refusal.OPTIONS: _("The address may have no options but these: %(options)s."),
    Refusal.UNKNOWN: _("The service does not know such an address."),
    Refusal.HOST: _("Its host is not among those that the operator allows."),
    Refusal.RECIPIENTS: _("The address names several recipients: add a channel for each."),
}
FAILURES: dict[str, Promise] = {
    UNKNOWN_ADDRESS: _("The service does not know such an address."),
    UNREADABLE_ADDRESS: _("The address cannot be read with the present key: enter it again."),
    NOT_TAKEN: _("The service did not take it."),
}


def refusal_sentence(refused: AddressRefused) -> str:
    """The sentence of a refused address."""
    names = {"schemas": ", ".join(sorted(PUBLIC | HOSTED)), "options": ", ".join(sorted(OPTIONS))}
    return str(REFUSALS[refused.reason]) % names


def failure_sentence(failure: str) -> str:
    """The sentence of a delivery that was not taken; of a failure without one, a sentence that says no reason."""
    return str(FAILURES.get(failure, gettext("It was not delivered.")))


def delivery_state(row: Delivery) -> str:
    """The state of a delivery: sent, given up, waiting."""
    if row.sent_at:
        return gettext("sent")
    if row.given_up:
        return gettext("given up")
    return gettext("waiting")
