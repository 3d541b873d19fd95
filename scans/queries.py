"""Every read of scanner versions and results that faces may use."""

from __future__ import annotations

from marketdata.markets import NAME
from scans.models import ActiveVersion, ScannerVersion


class UnknownVersion(LookupError):
    """No such scanner version; the message lists those there are."""


def versions(market: str, slugs: list[str]) -> list[ScannerVersion]:
    """The versions of those names in the order given, the active one of `market` where none is named."""
    if not slugs:
        return [active(market)]
    found = {version.slug: version for version in ScannerVersion.objects.filter(slug__in=slugs)}
    for slug in slugs:
        if slug not in found:
            known = ", ".join(ScannerVersion.objects.values_list("slug", flat=True)) or "none"
            raise UnknownVersion(f"Unknown scanner version {slug!r}: the known ones are {known}.")
    return [found[slug] for slug in dict.fromkeys(slugs)]


def active(market: str) -> ScannerVersion:
    """The active version of `market`; a second market such as kr-adj has that of its base unless it has its own."""
    match = NAME.fullmatch(market)
    names = [market, match["base"]] if match else [market]
    rows = {
        row.market: row
        for row in ActiveVersion.objects.filter(market__in=names).select_related("version")
    }
    for name in names:
        if name in rows:
            return rows[name].version
    known = ", ".join(ScannerVersion.objects.values_list("slug", flat=True)) or "none"
    raise UnknownVersion(
        f"Market {market} has no active scanner version: name one with --version (known: {known})."
    )
