"""Creating and changing scanner versions: validated by the engine's own schema, every change kept."""

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
from scans.models import ActiveVersion, ScannerVersion, VersionChange
from scans.queries import versions

RECORDED = ("title", "engine", "params", "segments", "limits", "enabled")


class VersionProblem(ValueError):
    """A version cannot be created or changed so; the message says why and what to do. `errors` has the sentences by
    field (`parameters.NAME` for a parameter), `positions` line and column of what is wrong in a text."""

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
    """There is a version of that name."""


def version_reads_flows(version: ScannerVersion, market: str) -> bool:
    """Whether a run of `version` on `market` reads investor flow; not where its parameters do not fit, which the run
    says."""
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
) -> ScannerVersion:
    """A new version of `engine`; `settings` are the parameters that differ from its defaults, `reset` names some that
    do not."""
    if ScannerVersion.objects.filter(slug=slug).exists():
        raise _exists(slug)
    version = ScannerVersion(
        slug=slug,
        engine=engine,
        title=title,
        params=changed_params(engine, settings, reset),
        segments=list(segments),
        limits=dict(limits or {}),
    )
    try:
        save_version(version, who=who, at=at)
    except IntegrityError:
        raise _exists(slug) from None  # somebody was quicker
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
    enabled); published results stay what they were.

    `version` is read anew and held while it is changed, so that two changes at the same time both count; `guard` is
    shown what is to be changed, and what it raises leaves everything as it is."""
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
    """Validate and save a version however it was edited, with a record of what changed; nothing where nothing did."""
    try:
        version.full_clean()
    except ValidationError as error:
        raise VersionProblem(" ".join(error.messages), errors=error.message_dict) from error
    refuse_disabling(version)
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
        generations.advance(versions.GENERATION)


def activate_version(market: str, version: ScannerVersion, *, who: str, at: datetime) -> None:
    """Make `version` the one that `market` uses where none is named."""
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
        generations.advance(versions.GENERATION)


def refuse_disabling(version: ScannerVersion) -> None:
    """VersionProblem where a version would be disabled while a market uses it."""
    if version.enabled or not version.pk:
        return
    markets = versions.active_markets().get(version.pk, [])
    if markets:
        message = (
            f"Version {version.slug} is active on {', '.join(markets)}: make another one active there before it is "
            "disabled."
        )
        raise VersionProblem(message, errors={"enabled": [message]})


def get_version(slug: str) -> ScannerVersion:
    """The version of that name; UnknownVersion lists the known."""
    return versions.get_versions("", [slug])[0]


def _state(version: ScannerVersion) -> dict[str, Any]:
    return {name: getattr(version, name) for name in RECORDED}


def changed_params(engine: str, settings: Mapping[str, Any], reset: Sequence[str] = ()) -> dict[str, Any]:
    """The settings that are not the engine's defaults, as typed values, without those to `reset`; where a market has a
    default of its own, what was set is kept whatever it is, since there it differs."""
    if engine not in ENGINES:
        message = f"Unknown engine {engine!r}: choose among {', '.join(ENGINES)}.{did_you_mean(engine, ENGINES)}"
        raise VersionProblem(message, errors={"engine": [message]})
    kind = ENGINES[engine].Params
    known = {one["name"] for one in engine_params.schema(kind)}
    for name in reset:
        if name not in known and name not in settings:
            message = f"Engine {engine} has no parameter {name!r}."
            raise VersionProblem(message, errors={f"parameters.{name}": [message]})
    settings = {name: value for name, value in settings.items() if name not in reset}
    wrong = engine_params.param_errors(kind, settings)
    if wrong:
        # It brings its engine along, which the scan of another one must not pay for.
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
