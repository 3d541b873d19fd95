"""Creating and changing scanner versions: validated by the engine's own schema, every change kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from marketdata.markets import market as market_named
from marketdata.operations import generations
from scans import queries
from scans.engines import params as engine_params
from scans.engines.registry import ENGINES
from scans.models import ActiveVersion, ScannerVersion, VersionChange

RECORDED = ("title", "engine", "params", "segments", "limits", "enabled")


class VersionProblem(ValueError):
    """A version cannot be created or changed so; the message says why and what to do."""


def create(
    *,
    slug: str,
    engine: str,
    settings: Mapping[str, Any],
    who: str,
    at: datetime,
    title: str = "",
    segments: Sequence[str] = (),
    limits: Mapping[str, int] | None = None,
) -> ScannerVersion:
    """A new version of `engine`; `settings` are the parameters that differ from its defaults."""
    if ScannerVersion.objects.filter(slug=slug).exists():
        raise VersionProblem(
            f"There is a scanner version {slug!r} already: change it with `scanner_version set`."
        )
    version = ScannerVersion(
        slug=slug,
        engine=engine,
        title=title,
        params=differing(engine, settings),
        segments=list(segments),
        limits=dict(limits or {}),
    )
    save(version, who=who, at=at)
    return version


def change(
    version: ScannerVersion,
    *,
    settings: Mapping[str, Any],
    reset: Sequence[str] = (),
    who: str,
    at: datetime,
) -> ScannerVersion:
    """Set parameters of a version, `reset` some to the engine's defaults; published results stay what they were."""
    merged = {**version.params, **settings}
    for name in reset:
        if name not in merged and not _known(version.engine, name):
            raise VersionProblem(f"Engine {version.engine} has no parameter {name!r}.")
        merged.pop(name, None)
    version.params = differing(version.engine, merged)
    save(version, who=who, at=at)
    return version


def save(version: ScannerVersion, *, who: str, at: datetime) -> None:
    """Validate and save a version however it was edited, with a record of what changed; nothing where nothing did."""
    try:
        version.full_clean()
    except ValidationError as error:
        raise VersionProblem(" ".join(error.messages)) from error
    refuse_disabled(version)
    with transaction.atomic():
        known = ScannerVersion.objects.filter(pk=version.pk).first() if version.pk else None
        before = _state(known) if known else {}
        after = _state(version)
        changed = [name for name in RECORDED if before.get(name) != after[name]]
        if not changed and known:
            return
        version.save()
        VersionChange.objects.create(
            version=version,
            at=at,
            who=who,
            before={name: before[name] for name in changed if name in before},
            after={name: after[name] for name in changed},
        )
        generations.advance(queries.GENERATION)


def activate(market: str, version: ScannerVersion, *, who: str, at: datetime) -> None:
    """Make `version` the one that `market` uses where none is named."""
    market_named(market)
    if not version.enabled:
        raise VersionProblem(
            f"Version {version.slug} is disabled: enable it before it can be active."
        )
    with transaction.atomic():
        row = ActiveVersion.objects.select_related("version").filter(market=market).first()
        before = row.version.slug if row else None
        if before == version.slug:
            return
        ActiveVersion.objects.update_or_create(market=market, defaults={"version": version})
        VersionChange.objects.create(
            version=version,
            at=at,
            who=who,
            before={f"active on {market}": before},
            after={f"active on {market}": version.slug},
        )
        generations.advance(queries.GENERATION)


def refuse_disabled(version: ScannerVersion) -> None:
    """VersionProblem where a version would be disabled while a market uses it."""
    if version.enabled or not version.pk:
        return
    markets = queries.active_on().get(version.pk, [])
    if markets:
        raise VersionProblem(
            f"Version {version.slug} is active on {', '.join(markets)}: make another one active there before it is "
            "disabled."
        )


def named(slug: str) -> ScannerVersion:
    """The version of that name; UnknownVersion lists the known."""
    return queries.versions("", [slug])[0]


def _state(version: ScannerVersion) -> dict[str, Any]:
    return {name: getattr(version, name) for name in RECORDED}


def differing(engine: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are not the engine's defaults, as typed values."""
    if engine not in ENGINES:
        raise VersionProblem(f"Unknown engine {engine!r}: choose among {', '.join(ENGINES)}.")
    try:
        typed = engine_params.dump(engine_params.read(ENGINES[engine].Params, settings))
    except engine_params.ParamError as error:
        raise VersionProblem(str(error)) from error
    plain = engine_params.dump(ENGINES[engine].Params())
    return {name: value for name, value in typed.items() if value != plain[name]}


def _known(engine: str, name: str) -> bool:
    return any(one["name"] == name for one in engine_params.schema(ENGINES[engine].Params))
