"""Queries of scanner versions and scan requests, for every face."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import QuerySet

from marketdata.markets import NAME_PATTERN
from marketdata.nearest_name import did_you_mean
from scans.models import ActiveVersion, ScanDraft, ScannerVersion, ScanRequest

GENERATION = "scanner-versions"
"""The name of the generation that advances with every change of a scanner version or of the active one."""


class UnknownVersion(LookupError):
    """No such scanner version; the message and `slugs` list the existing ones."""

    def __init__(self, message: str, slugs: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.slugs = list(slugs)


class NoActiveVersion(UnknownVersion):
    """No version was named, and the market has no active one."""


def get_versions(market: str, slugs: list[str]) -> list[ScannerVersion]:
    """The versions of these names in their order; the active one of `market` if there are none."""
    return choose_versions(market, slugs, named_versions(slugs), active_versions())


def named_versions(slugs: Sequence[str]) -> QuerySet[ScannerVersion]:
    """The versions of these names."""
    return ScannerVersion.objects.filter(slug__in=slugs)


def choose_versions(
    market: str, slugs: Sequence[str], named: Iterable[ScannerVersion], active: Iterable[ActiveVersion]
) -> list[ScannerVersion]:
    """`get_versions` from the rows of versions with these names, and `active_versions`."""
    if not slugs:
        return [_chosen_active(market, active)]
    rows_by_slug = {version.slug: version for version in named}
    for slug in slugs:
        if slug not in rows_by_slug:
            all_slugs = version_slugs()
            names = ", ".join(all_slugs) or "none"
            raise UnknownVersion(
                f"Unknown scanner version {slug!r}: the known ones are {names}.{did_you_mean(slug, all_slugs)}",
                all_slugs,
            )
    return [rows_by_slug[slug] for slug in dict.fromkeys(slugs)]


def active_version(market: str) -> ScannerVersion:
    """The active version of `market`; a variant such as kr-adj has that of its base unless it has its own."""
    return _chosen_active(market, active_versions())


def _chosen_active(market: str, rows: Iterable[ActiveVersion]) -> ScannerVersion:
    version = choose_active(market, rows)
    if version is not None:
        return version
    all_slugs = version_slugs()
    slug_list = ", ".join(all_slugs) or "none"
    raise NoActiveVersion(
        f"Market {market} has no active scanner version: name one with --version (known: {slug_list}).", all_slugs
    )


def choose_active(market: str, rows: Iterable[ActiveVersion]) -> ScannerVersion | None:
    """The active version of `market` among these rows; None without one."""
    match = NAME_PATTERN.fullmatch(market)
    versions = {row.market: row.version for row in rows}
    return versions.get(market) or (versions.get(match["base"]) if match else None)


def version_slugs() -> list[str]:
    """The names of all versions."""
    return list(ScannerVersion.objects.order_by("slug").values_list("slug", flat=True))


def active_markets() -> dict[int, list[str]]:
    """Key of a version -> the markets that it is active on."""
    markets: dict[int, list[str]] = {}
    for row in ActiveVersion.objects.order_by("market"):
        markets.setdefault(row.version_id, []).append(row.market)
    return markets


def active_versions() -> QuerySet[ActiveVersion]:
    """The rows market -> active version."""
    return ActiveVersion.objects.order_by("market").select_related("version")


def all_versions() -> QuerySet[ScannerVersion]:
    """Every version."""
    return ScannerVersion.objects.order_by("slug")


def scan_requests(market: str) -> QuerySet[ScanRequest]:
    """The scan requests of a market."""
    return ScanRequest.objects.filter(market=market)


def get_scan_request(number: int) -> ScanRequest | None:
    """The request of that number, None if there is none."""
    return ScanRequest.objects.filter(pk=number).first()


def request_drafts(row: ScanRequest) -> QuerySet[ScanDraft]:
    """The draft answers of a request that publishes nothing; the latest session first, then by the versions' names."""
    return row.drafts.order_by("-date", "scanner_version")
