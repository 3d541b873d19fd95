"""Every read of scanner versions and results that faces may use."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import QuerySet

from marketdata.markets import NAME_PATTERN
from marketdata.nearest_name import did_you_mean
from scans.models import ActiveVersion, ScanDraft, ScannerVersion, ScanRequest

GENERATION = "scanner-versions"
"""Under which name a change of any scanner version, or of which is active, begins a new generation."""


class UnknownVersion(LookupError):
    """No such scanner version; the message lists those there are, `known` too."""

    def __init__(self, message: str, known: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.known = list(known)


class NoActiveVersion(UnknownVersion):
    """None was named, and the market has no active one."""


def get_versions(market: str, slugs: list[str]) -> list[ScannerVersion]:
    """The versions of those names in the order given, the active one of `market` where none is named."""
    if not slugs:
        return [active_version(market)]
    found = {version.slug: version for version in ScannerVersion.objects.filter(slug__in=slugs)}
    for slug in slugs:
        if slug not in found:
            known = version_slugs()
            told = ", ".join(known) or "none"
            raise UnknownVersion(
                f"Unknown scanner version {slug!r}: the known ones are {told}.{did_you_mean(slug, known)}",
                known,
            )
    return [found[slug] for slug in dict.fromkeys(slugs)]


def active_version(market: str) -> ScannerVersion:
    """The active version of `market`; a second market such as kr-adj has that of its base unless it has its own."""
    match = NAME_PATTERN.fullmatch(market)
    names = [market, match["base"]] if match else [market]
    rows = {row.market: row for row in ActiveVersion.objects.filter(market__in=names).select_related("version")}
    for name in names:
        if name in rows:
            return rows[name].version
    known = version_slugs()
    told = ", ".join(known) or "none"
    raise NoActiveVersion(
        f"Market {market} has no active scanner version: name one with --version (known: {told}).",
        known,
    )


def version_slugs() -> list[str]:
    """The names of all versions."""
    return list(ScannerVersion.objects.order_by("slug").values_list("slug", flat=True))


def active_markets() -> dict[int, list[str]]:
    """Version (its key) -> the markets it is active on."""
    found: dict[int, list[str]] = {}
    for row in ActiveVersion.objects.order_by("market"):
        found.setdefault(row.version_id, []).append(row.market)
    return found


def active_versions() -> QuerySet[ActiveVersion]:
    """Market -> its active version, as rows."""
    return ActiveVersion.objects.order_by("market").select_related("version")


def all_versions() -> QuerySet[ScannerVersion]:
    """Every version."""
    return ScannerVersion.objects.order_by("slug")


def scan_requests(market: str) -> QuerySet[ScanRequest]:
    """The scans that were asked for on a market."""
    return ScanRequest.objects.filter(market=market)


def get_scan_request(number: int) -> ScanRequest | None:
    """The request of that number."""
    return ScanRequest.objects.filter(pk=number).first()


def request_drafts(row: ScanRequest) -> QuerySet[ScanDraft]:
    """The answers of a request that published nothing, as long as they are kept; the latest session first, then in the
    order of the versions' names."""
    return row.drafts.order_by("-date", "version")
