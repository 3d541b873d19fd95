"""The form of a scanner version, made from its engine's own parameter schema: a typed field for each parameter with
its default, range, unit and help. A formula is checked by the engine, which says where it is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketdata.number_format import format_number
from marketdata.templatetags.failures import failure_reason
from scans.admin.segments import LimitsField, SegmentsField
from scans.engines import engine_params
from scans.engines.registry import ENGINES
from scans.models import ScannerVersion
from scans.operations import versions

if TYPE_CHECKING:
    Form = forms.ModelForm[ScannerVersion]
else:
    Form = forms.ModelForm

PREFIX = "param_"


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """A parameter as a row of the form."""

    name: str
    kind: str
    default: Any
    value: Any
    unit: str
    range: str
    help: str
    field: BoundField | None

    @property
    def differs(self) -> bool:
        return bool(self.value != self.default)

    @property
    def default_text(self) -> str:
        """The default as the value of a browser's field."""
        return text(self.default)


class VersionForm(Form):
    """Title, segments and limits; `form_for` adds the parameters of an engine."""

    engine_name: ClassVar[str] = ""
    segments = SegmentsField(label=_("segments"), required=False, help_text=_("None ticked: the market's own segments"))
    limits = LimitsField(
        label=_("limits"),
        required=False,
        help_text=_("Only so many instruments with the largest turnover of the day; empty: all of them"),
    )

    class Meta:
        model = ScannerVersion
        fields = ("slug", "title", "enabled", "segments", "limits")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.problem = ""
        self.own_settings: dict[str, Any] = {}
        stored = self._stored_values()
        # Django compares with the initial values to say what changed; those of a clone are its original's.
        for name, value in stored.items():
            self.initial.setdefault(PREFIX + name, value)
        self.values = {name: self.initial[PREFIX + name] for name in stored}

    def _stored_values(self) -> dict[str, Any]:
        """Every parameter with its present value."""
        if self.engine_name not in ENGINES:
            return {}
        kind = ENGINES[self.engine_name].Params
        try:
            return engine_params.dump(engine_params.read(kind, self.instance.params))
        except engine_params.ParamError as error:
            problem = _("The stored parameters do not fit the engine, so its defaults are shown: %(error)s")
            self.problem = problem % {"error": failure_reason(str(error))}
            return engine_params.dump(kind())

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        self.instance.engine = self.engine_name
        settings = self.settings(data)
        self.instance.enabled = bool(data.get("enabled"))
        try:
            versions.refuse_disabling(self.instance)
        except versions.VersionProblem as problem:
            self.add_error("enabled", failure_reason(str(problem)))
        if settings is not None:
            try:
                self.own_settings = self._own_settings(settings)
                self.instance.params = versions.changed_params(self.engine_name, self.own_settings)
            except versions.VersionProblem as problem:
                self._add_errors(problem)
        if self.errors and self.problem:
            self.instance.params = {}  # the stored parameters cannot be read, and these are not saved
        return data

    def settings(self, data: Mapping[str, Any]) -> dict[str, Any] | None:
        """Every parameter of the form; None where one could not be read."""
        names = [name for name in self.fields if name.startswith(PREFIX)]
        if any(name not in data for name in names):
            return None
        return {name.removeprefix(PREFIX): data[name] for name in names}

    def _own_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters that differ from the default or are stored already: the form sends every parameter, and an
        unchanged default must not replace that of another market."""
        plain = engine_params.dump(ENGINES[self.engine_name].Params())
        stored = self.instance.params
        return {name: value for name, value in settings.items() if name in stored or value != plain.get(name)}

    def _add_errors(self, problem: versions.VersionProblem) -> None:
        """Add the engine's sentences beside their parameters; in a formula the position is marked."""
        for name, sentences in problem.errors.items():
            field = PREFIX + name.removeprefix("parameters.")
            if field not in self.fields:
                self.add_error(None, failure_reason(" ".join(sentences)))
                continue
            self.add_error(field, failure_reason(" ".join(sentences)))
            position = problem.positions.get(name)
            if position:
                self.fields[field].widget.attrs.update(
                    {"data-line": position["line"], "data-column": position["column"], "aria-invalid": "true"}
                )
        if not problem.errors:
            self.add_error(None, failure_reason(str(problem)))

    def rows(self) -> Iterator[ParameterRow]:
        """The parameters in the engine's order."""
        if self.engine_name not in ENGINES:
            return
        for parameter in engine_params.schema(ENGINES[self.engine_name].Params):
            name = parameter["name"]
            field = PREFIX + name
            yield ParameterRow(
                name=name,
                kind=parameter["type"],
                default=parameter["default"],
                value=self.values[name],
                unit=gettext(parameter["unit"]) if parameter["unit"] else "",
                range=_range(parameter),
                help=gettext(parameter["help"]),
                field=self[field] if field in self.fields else None,
            )


class PlainNumberInput(forms.NumberInput):
    """A number as a person types it: 2000, not 2000.0."""

    def format_value(self, value: Any) -> str:
        return text(value)


class LinesField(forms.CharField):
    """Text with line ends as the engine counts them; a browser sends two characters for each."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value) or "").replace("\r\n", "\n")


def form_for(engine: str, segments: list[str]) -> type[VersionForm]:
    """The form of a version of `engine`; `segments` are the choices."""
    kind = ENGINES[engine].Params if engine in ENGINES else None
    fields = {PREFIX + field["name"]: _field(field) for field in (engine_params.schema(kind) if kind else ())}
    choices = {
        "segments": SegmentsField(
            label=_("segments"), required=False, names=segments, help_text=_("None ticked: the market's own segments")
        ),
        "limits": LimitsField(
            label=_("limits"),
            required=False,
            names=segments,
            help_text=_("Only so many instruments with the largest turnover of the day; empty: all of them"),
        ),
    }
    return type("VersionForm", (VersionForm,), {**fields, **choices, "engine_name": engine})


def differences(version: ScannerVersion) -> list[tuple[str, str, str]]:
    """The parameters that are not the engine's defaults: (name, default, value)."""
    engine = ENGINES.get(version.engine)
    plain = engine_params.dump(engine.Params()) if engine else {}
    return [(name, text(plain.get(name)), text(value)) for name, value in version.params.items()]


def text(value: Any) -> str:
    """A value as a person types it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format_number(value, 15).replace(",", "") if isinstance(value, float) else str(value)


def _field(field: Mapping[str, Any]) -> forms.Field:
    label = field["name"]
    bounds = {"min_value": field["least"], "max_value": field["most"]}
    match field["type"]:
        case "int":
            return forms.IntegerField(label=label, help_text=_(field["help"]), **bounds)
        case "float":
            number = PlainNumberInput(attrs={"step": "any"})
            return forms.FloatField(label=label, help_text=_(field["help"]), widget=number, **bounds)
        case "bool":
            return forms.BooleanField(label=label, help_text=_(field["help"]), required=False)
        case _ if field["choices"]:
            choices = [(choice, choice) for choice in field["choices"]]
            return forms.ChoiceField(label=label, help_text=_(field["help"]), choices=choices)
    area = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})
    return LinesField(label=label, help_text=_(field["help"]), required=False, widget=area)


def _range(field: Mapping[str, Any]) -> str:
    if field["choices"]:
        return ", ".join(field["choices"])
    least, most = field["least"], field["most"]
    if least is None and most is None:
        return ""
    low = _("any") if least is None else format_number(least)
    if most is None:
        return _("%(low)s and more") % {"low": low}
    return _("%(first)s to %(last)s") % {"first": low, "last": format_number(most)}
