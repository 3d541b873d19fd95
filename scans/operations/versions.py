"""Creates and changes scanner versions: validated by the engine's schema, with a record of every change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from marketdata.markets import get_market
from marketdata.nearest_name import did_you_mean
from marketdata.operations import generations
from scans.engines import base, engine_params
from scans.engines.engine_params import ParamError
from scans.engines.registry import ENGINES
from scans.models import ActiveVersion, ScannerVersion, SweepVariant, VersionChange
from scans.queries.versions import GENERATION, active_markets, get_versions

RECORDED = ("title", "engine", "params", "segments", "limits", "enabled")


class VersionProblem(ValueError):
    """The change of a version is invalid; the message says why and what to do. `errors`: sentences by field
    (`parameters.NAME` for a parameter). `positions`: line and column of an error in a formula."""

    def __init__(
        self,
        message: str,
        *,
        errors: Mapping[str, list[str]] | None = None,
        positions: Mapping[str, Mapping[str, int]] | None = None,
    ) -> None:
        super().__init__(message)
        self.errors = dict(errors or {})
        self.positions = dict(positions or {})


class VersionExists(VersionProblem):
    """A version of that name exists."""


def version_reads_flows(version: ScannerVersion, market: str) -> bool:
    """Whether a run of `version` on `market` reads investor flow; False if its parameters are invalid, which the run
    reports."""
    engine = ENGINES[version.engine]
    try:
        return base.reads_flows(engine, engine_params.read(engine.Params, version.params, market))
    except ParamError:
        return False


def create_version(
    *,
    slug: str,
    engine: str,
    settings: Mapping[str, Any],
    reset: Sequence[str] = (),
    who: str,
    at: datetime,
    title: str = "",
    segments: Sequence[str] = (),
    limits: Mapping[str, int] | None = None,
    sweep_variant: SweepVariant | None = None,
) -> ScannerVersion:
    """Create a version of `engine`. `settings`: parameters that differ from its defaults; `reset`: names of parameters
    with the default; `sweep_variant`: the variant that it is made from."""
    if ScannerVersion.objects.filter(slug=slug).exists():
        raise _exists(slug)
    version = ScannerVersion(
        slug=slug,
        engine=engine,
        title=title,
        params=changed_params(engine, settings, reset),
        segments=list(segments),
        limits=dict(limits or {}),
        sweep_variant=sweep_variant,
    )
    try:
        save_version(version, who=who, at=at)
    except IntegrityError:
        raise _exists(slug) from None  # another process created it first
    return version


def _exists(slug: str) -> VersionExists:
    return VersionExists(
        f"There is a scanner version {slug!r} already: change it, or choose another name.",
        errors={"slug": ["There is a version of this name already."]},
    )


def change_version(
    version: ScannerVersion,
    *,
    settings: Mapping[str, Any],
    reset: Sequence[str] = (),
    others: Mapping[str, Any] | None = None,
    who: str,
    at: datetime,
    guard: Callable[[ScannerVersion], None] | None = None,
) -> ScannerVersion:
    """Set parameters of a version, `reset` some to the engine's defaults, set `others` (title, segments, limits,
    enabled). Published results do not change.

    `version` is reloaded and locked, so that simultaneous changes are all applied. `guard` is called with the locked
    version; an exception of it rolls the change back."""
    with transaction.atomic():
        version.refresh_from_db(from_queryset=ScannerVersion.objects.select_for_update(no_key=True))
        if guard:
            guard(version)
        version.params = changed_params(version.engine, {**version.params, **settings}, reset)
        for name, value in (others or {}).items():
            setattr(version, name, value)
        save_version(version, who=who, at=at)
    return version


def save_version(version: ScannerVersion, *, who: str, at: datetime) -> None:
    """Validate and save an edited version with a record of the change; does nothing if nothing changed."""
    try:
        version.full_clean()
    except ValidationError as error:
        raise VersionProblem(" ".join(error.messages), errors=error.message_dict) from error
    refuse_disabling(version)
    with transaction.atomic():
        recorded = ScannerVersion.objects.filter(pk=version.pk).first() if version.pk else None
        before = _state(recorded) if recorded else {}
        after = _state(version)
        changed = [name for name in RECORDED if before.get(name) != after[name]]
        if not changed and recorded:
            return
        version.save()
        VersionChange.objects.create(
            version=version,
            at=at,
            who=who,
            before={name: before[name] for name in changed if name in before},
            after={name: after[name] for name in changed},
        )
        generations.advance(GENERATION)


def activate_version(market: str, version: ScannerVersion, *, who: str, at: datetime) -> None:
    """Make `version` the active one of `market`."""
    get_market(market)
    if not version.enabled:
        raise VersionProblem(f"Version {version.slug} is disabled: enable it before it can be active.")
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
        generations.advance(GENERATION)


def refuse_disabling(version: ScannerVersion) -> None:
    """Raises VersionProblem if a version is disabled while it is active on a market."""
    if version.enabled or not version.pk:
        return
    markets = active_markets().get(version.pk, [])
    if markets:
        message = (
            f"Version {version.slug} is active on {', '.join(markets)}: make another one active there before it is "
            "disabled."
        )
        raise VersionProblem(message, errors={"enabled": [message]})


def get_version(slug: str) -> ScannerVersion:
    """The version of that name; UnknownVersion lists the existing ones."""
    return get_versions("", [slug])[0]


def _state(version: ScannerVersion) -> dict[str, Any]:
    return {name: getattr(version, name) for name in RECORDED}


def changed_params(engine: str, settings: Mapping[str, Any], reset: Sequence[str] = ()) -> dict[str, Any]:
    """The settings that differ from the engine's defaults, as typed values, without those of `reset`. A parameter with
    defaults by market is always included."""
    if engine not in ENGINES:
        message = f"Unknown engine {engine!r}: choose among {', '.join(ENGINES)}.{did_you_mean(engine, ENGINES)}"
        raise VersionProblem(message, errors={"engine": [message]})
    kind = ENGINES[engine].Params
    names = {field["name"] for field in engine_params.schema(kind)}
    for name in reset:
        if name not in names and name not in settings:
            message = f"Engine {engine} has no parameter {name!r}."
            raise VersionProblem(message, errors={f"parameters.{name}": [message]})
    settings = {name: value for name, value in settings.items() if name not in reset}
    wrong = engine_params.param_errors(kind, settings)
    if wrong:
        # Imports the formula engine, which scans by other engines do not need.
        from scans.engines.formula.errors import FormulaError

        raise VersionProblem(
            " ".join(map(str, wrong.values())),
            errors={f"parameters.{name}": [str(error)] for name, error in wrong.items()},
            positions={
                f"parameters.{name}": {"line": error.line, "column": error.column}
                for name, error in wrong.items()
                if isinstance(error, FormulaError)
            },
        )
    typed = engine_params.dump(engine_params.read(kind, settings))
    plain = engine_params.dump(kind())
    kept = engine_params.market_defaults(kind).keys() & settings.keys()
    return {name: value for name, value in typed.items() if value != plain[name] or name in kept}
