"""Controls from a declaration: sliders paired with a labelled number box, choices and check boxes.

A panel lists its controls once; :class:`Controls` builds the widgets, keeps slider and number box equal,
and hands every change over as a dictionary of values. All of them work from the keyboard.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import ipywidgets as ipw

from rsbd.errors import InputError


@dataclass(frozen=True)
class Slider:
    """A number on a scale; whole numbers where ``step`` is an int.

    Attributes
    ----------
    name : str
        The parameter that it sets.
    label : str
        What a reader sees and a screen reader says, with the unit.
    low, high, step : int or float
        Range and step. The number box takes any value of the range.
    """

    name: str
    label: str
    low: float
    high: float
    step: float

    def check(self, value: float) -> None:
        """Refuse a value outside the range, which the widget would bend to the nearest end."""
        if not self.low <= value <= self.high:
            raise InputError(
                f"{self.name} is {value}, outside this panel's range", f"give a value from {self.low} to {self.high}"
            )

    def build(self, value: float) -> tuple[ipw.Widget, ipw.Widget]:
        """Row of number box and slider, and the slider as the one that holds the value."""
        self.check(value)
        whole = isinstance(self.step, int)
        box_type = ipw.BoundedIntText if whole else ipw.BoundedFloatText
        slider_type = ipw.IntSlider if whole else ipw.FloatSlider
        shared = {"min": self.low, "max": self.high, "step": self.step, "value": value}
        box = box_type(
            **shared,
            description=self.label,
            style={"description_width": "170px"},
            layout={"width": "260px"},
        )
        slider = slider_type(
            **shared,
            readout=False,
            continuous_update=True,
            layout={"width": "220px"},
        )
        # Linked in the kernel, and each side written only when it differs. A link in the browser sends every
        # key twice, and an answer to an older key can move the handle back under the reader's hand.
        slider.observe(lambda change: _follow(box, change["new"]), names="value")
        box.observe(lambda change: _follow(slider, change["new"]), names="value")
        row = ipw.HBox([box, slider])
        row.add_class("rsbd-pair")
        return row, slider


@dataclass(frozen=True)
class Choice:
    """One of a few values, as a dropdown or, with ``radio``, as radio buttons."""

    name: str
    label: str
    options: tuple[tuple[str, Any], ...]
    radio: bool = False

    def build(self, value: Any) -> tuple[ipw.Widget, ipw.Widget]:
        """Build the widget; it is its own row."""
        kind = ipw.RadioButtons if self.radio else ipw.Dropdown
        widget = kind(
            options=list(self.options),
            value=value,
            description=self.label,
            style={"description_width": "170px"},
            layout={"width": "490px"},
        )
        return widget, widget


@dataclass(frozen=True)
class Toggle:
    """Yes or no, as a check box."""

    name: str
    label: str

    def build(self, value: bool) -> tuple[ipw.Widget, ipw.Widget]:
        """Build the widget; it is its own row."""
        widget = ipw.Checkbox(value=value, description=self.label, indent=False, layout={"width": "490px"})
        return widget, widget


Control: TypeAlias = "Slider | Choice | Toggle"


class Controls:
    """The widgets of a declaration, and their values.

    Parameters
    ----------
    spec : sequence of Slider, Choice, Toggle
        In the order in which they are shown.
    values : mapping
        The first value of each, by name.
    on_change : callable
        Called with all values after each change by a reader; not after :meth:`set`.
    """

    def __init__(
        self,
        spec: Sequence[Control],
        values: Mapping[str, Any],
        on_change: Callable[[dict[str, Any]], None],
    ) -> None:
        self.spec = tuple(spec)
        self._spec = {control.name: control for control in spec}
        self._on_change = on_change
        self._muted = False
        self.rows: dict[str, ipw.Widget] = {}
        self._holders: dict[str, ipw.Widget] = {}
        for control in spec:
            self.rows[control.name], holder = control.build(values[control.name])
            holder.observe(self._changed, names="value")
            self._holders[control.name] = holder
        self.widget = ipw.Box(list(self.rows.values()), layout={"display": "grid"})
        self.widget.add_class("rsbd-controls")

    @property
    def values(self) -> dict[str, Any]:
        """What the widgets say now, by name."""
        return {name: _clean(holder.value) for name, holder in self._holders.items()}

    def set(self, values: Mapping[str, Any]) -> None:
        """Move the widgets that ``values`` names, silently.

        Raises
        ------
        InputError
            If a value is outside its control's range.
        """
        for name, value in values.items():
            control = self._spec.get(name)
            if isinstance(control, Slider):
                control.check(value)
        self._muted = True
        try:
            for name, value in values.items():
                if name in self._holders:
                    self._holders[name].value = value
        finally:
            self._muted = False

    def show(self, visible: Mapping[str, bool]) -> None:
        """Show or hide rows by name, for controls that only apply in some modes."""
        for name, shown in visible.items():
            if name in self.rows:
                self.rows[name].layout.display = None if shown else "none"

    def _changed(self, _change: Any) -> None:
        if not self._muted:
            self._on_change(self.values)


def _clean(value: Any) -> Any:
    """0.9099999999999999, as a browser adds up steps, is 0.91."""
    return round(value, 10) if isinstance(value, float) else value


def _follow(widget: ipw.Widget, value: Any) -> None:
    if _clean(widget.value) != _clean(value):
        widget.value = _clean(value)
