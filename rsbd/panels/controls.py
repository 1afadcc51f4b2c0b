"""The controls of a panel: sliders with a labelled number box, choices, check boxes and buttons. Keys move them all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeAlias

import ipywidgets as ipw
import traitlets

from rsbd.errors import InputError, check_among

# What a noise slider buys at its ends. Sigma is large, and `keep` small, where there is much noise.
SIGMA_BUYS = ("better accuracy", "larger radius")


@dataclass(frozen=True)
class Slider:
    """A number on a scale; a whole number if ``step`` is an int.

    Attributes
    ----------
    name : str
        The parameter that the slider sets.
    label : str
        The visible label with the unit, which screen readers read too.
    low, high, step : int or float
        Range and step. The number box takes any value of the range.
    play : bool
        If true, a button lets the slider move by itself to its high end, a step after each final picture.
    ends : (str, str)
        What the low and the high end buy, in a word or two.
    """

    name: str
    label: str
    low: float
    high: float
    step: float
    play: bool = False
    ends: tuple[str, str] = ("", "")

    @classmethod
    def of_keep(cls, name: str, label: str, low: float = 0.5, high: float = 1.0) -> "Slider":
        """Return the slider of the probability that noise keeps a value."""
        return cls(name, label, low, high, 0.01, ends=SIGMA_BUYS[::-1])

    def check(self, value: float) -> None:
        """Raise for a value outside the range; the widget itself would silently take the nearest end."""
        if not self.low <= value <= self.high:
            what = f"{self.name} is {value}, outside this panel's range"
            raise InputError(what, f"give a value from {self.low} to {self.high}")

    def nearest(self, value: float) -> float:
        """Return the step nearest to ``value``.

        Examples
        --------
        >>> Slider("x", "x", -2.0, 2.0, 0.05).nearest(0.333), Slider("rows", "rows", 1, 30, 1).nearest(99.7)
        (0.35, 30)
        """
        steps = round((min(max(value, self.low), self.high) - self.low) / self.step)
        return type(self.step)(round(self.low + steps * self.step, 10))

    def build(self, value: float) -> tuple[ipw.Widget, ipw.Widget]:
        """Build a row with a number box and a slider, and return the row and the slider, which holds the value."""
        self.check(value)
        whole = isinstance(self.step, int)
        box_type = ipw.BoundedIntText if whole else ipw.BoundedFloatText
        slider_type = ipw.IntSlider if whole else ipw.FloatSlider
        shared = {"min": self.low, "max": self.high, "step": self.step, "value": value}
        box = box_type(**shared, description=self.label)
        slider = slider_type(**shared, readout=False, continuous_update=True)
        # In the kernel: a link in the browser sends every key twice, and an answer to an older key can move the handle
        # back under the reader's hand.
        traitlets.link((slider, "value"), (box, "value"), (_clean, _clean))
        held = slider
        if any(self.ends):  # in one box, so that a narrow page moves the words with the slider
            held = ipw.HBox([ipw.Label(self.ends[0]), slider, ipw.Label(self.ends[1])]).add_class("rsbd-ends")
        row = ipw.HBox([box, held])
        if self.play:
            player = ipw.ToggleButton(description="play", icon="play", tooltip=f"play: {self.label}")
            player.observe(lambda pressed: self._start(slider, pressed["new"]), names="value")
            row.children = (*row.children, player)
        row.add_class("rsbd-pair")
        return row, slider

    def _start(self, slider: ipw.Widget, pressed: bool) -> None:
        if pressed:
            slider.value = slider.value + self.step if slider.value < self.high else self.low


@dataclass(frozen=True)
class Choice:
    """One of a few values, as a dropdown."""

    name: str
    label: str
    options: tuple[tuple[str, Any], ...]

    @classmethod
    def of_numbers(cls, name: str, label: str, *values: float) -> "Choice":
        """Return the choice of one of a few numbers."""
        return cls(name, label, tuple((f"{value:,g}", value) for value in values))

    def check(self, value: Any) -> None:
        """Raise for a value that is not among the options."""
        check_among(self.name, value, (option for _, option in self.options))

    def build(self, value: Any) -> tuple[ipw.Widget, ipw.Widget]:
        """Build the widget, and return it as the row and as the holder of the value."""
        self.check(value)
        widget = ipw.Dropdown(options=list(self.options), value=value, description=self.label)
        return widget, widget


@dataclass(frozen=True)
class Toggle:
    """Yes or no, as a check box."""

    name: str
    label: str

    def build(self, value: bool) -> tuple[ipw.Widget, ipw.Widget]:
        """Build the widget, and return it as the row and as the holder of the value."""
        widget = ipw.Checkbox(value=value, description=self.label, indent=False)
        return widget, widget


class _Presses(ipw.Button):  # type: ignore[misc]
    value = traitlets.Int(0)


@dataclass(frozen=True)
class Button:
    """A whole number that a press of the button makes larger by one."""

    name: str
    label: str

    def build(self, value: int) -> tuple[ipw.Widget, ipw.Widget]:
        """Build the widget, and return it as the row and as the holder of the value."""
        widget = _Presses(description=self.label, value=value)
        widget.on_click(lambda button: setattr(button, "value", button.value + 1))
        return widget, widget


Control: TypeAlias = "Slider | Choice | Toggle | Button"
# Controls that several panels share.
POISONED = Slider("poisoned", "poisoned images", 0, 1, 1)  # label and end depend on the data
MODELS = Slider("num_models", "models", 100, 5000, 100)
ALPHAS = Choice.of_numbers("alpha", "alpha", 0.1, 0.05, 0.01, 0.001, 0.0001)


def setting(default: Any, control: Control, **when: Sequence[Any]) -> Any:
    """Return the field of a panel's parameters that a control sets.

    The control is shown while each parameter that ``when`` names has one of the values given there.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Params:
    ...     noise: str = setting("flips", Choice("noise", "noise", (("flips", "flips"), ("Gaussian", "gaussian"))))
    ...     keep: float = setting(0.8, Slider.of_keep("keep", "keep"), noise=("flips",))
    >>> shown_controls(Params()), shown_controls(Params("gaussian"))
    ({'noise': True, 'keep': True}, {'noise': True, 'keep': False})
    """
    return field(default=default, metadata={"control": control, "when": when})


def shown_controls(params: Any) -> dict[str, bool]:
    """Say by name which controls apply while a panel has these parameters; see :func:`setting`."""
    conditions = {each.name: each.metadata.get("when", {}).items() for each in fields(params)}
    return {name: all(getattr(params, k) in values for k, values in when) for name, when in conditions.items()}


class CheckedParams:
    """A base of a panel's parameters: a frozen dataclass, which refuses a word that its control does not offer."""

    def __post_init__(self) -> None:
        for control in controls_of(type(self)):
            if isinstance(control, Choice) and any(isinstance(option, str) for _, option in control.options):
                control.check(getattr(self, control.name))


def controls_of(params: type, **own: Mapping[str, Any]) -> list[Control]:
    """Return the controls of a panel's parameters, in their order; ``own`` holds by name what depends on the data.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Params:
    ...     point: int = setting(0, Slider("point", "test image", 0, 9, 1))
    >>> controls_of(Params, point={"high": 155})
    [Slider(name='point', label='test image', low=0, high=155, step=1, play=False, ends=('', ''))]
    """
    named = [each.metadata["control"] for each in fields(params) if "control" in each.metadata]
    return [replace(control, **own.get(control.name, {})) for control in named]


class Controls:
    """The widgets of a panel's controls, and their values.

    Parameters
    ----------
    spec : sequence of Slider, Choice, Toggle, Button
        The controls, in the order in which they are shown.
    values : mapping
        The first value of each control, by name.
    on_change : callable
        Called with all values after each change by a reader, but not after :meth:`set`.
    """

    def __init__(
        self, spec: Sequence[Control], values: Mapping[str, Any], on_change: Callable[[dict[str, Any]], None]
    ) -> None:
        self.spec = tuple(spec)
        self._on_change = on_change
        self._muted = False
        self.rows: dict[str, ipw.Widget] = {}
        self._holders: dict[str, ipw.Widget] = {}
        for control in spec:
            self.rows[control.name], holder = control.build(values[control.name])
            holder.observe(self._changed, names="value")
            self._holders[control.name] = holder
        # Each slider that can play, with its button.
        sliders = [control for control in spec if isinstance(control, Slider) and control.play]
        self._players = [(c, self._holders[c.name], self.rows[c.name].children[-1]) for c in sliders]
        self.widget = ipw.Box(list(self.rows.values())).add_class("rsbd-controls")

    @property
    def values(self) -> dict[str, Any]:
        """The present values of the widgets, by name."""
        return {name: _clean(holder.value) for name, holder in self._holders.items()}

    def set(self, values: Mapping[str, Any]) -> None:
        """Set the widgets that ``values`` names, without a call of ``on_change``.

        Raises
        ------
        InputError
            If a control does not offer its value.
        """
        for control in self.spec:
            if isinstance(control, (Slider, Choice)) and control.name in values:
                control.check(values[control.name])
        self._muted = True
        try:
            for name, value in values.items():
                if name in self._holders:
                    self._holders[name].value = value
        finally:
            self._muted = False

    def nearest(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the numbers that the sliders can show nearest to ``values``; others are left out."""
        sliders = {control.name: control for control in self.spec if isinstance(control, Slider)}
        return {name: sliders[name].nearest(value) for name, value in values.items() if name in sliders}

    def show(self, visible: Mapping[str, bool]) -> None:
        """Show or hide rows by name, for controls that apply in some modes only."""
        for name, shown in visible.items():
            if name in self.rows:
                self.rows[name].layout.display = None if shown else "none"

    @property
    def playing(self) -> bool:
        """True if a slider moves by itself."""
        return any(player.value for *_, player in self._players)

    def advance(self) -> None:
        """Move the sliders that play one step on; those at their ends stop."""
        for control, slider, player in self._players:
            player.value = player.value and slider.value < control.high
            if player.value:
                slider.value += control.step

    def _changed(self, _change: Any) -> None:
        if not self._muted:
            self._on_change(self.values)


def _clean(value: Any) -> Any:
    """Round off the error of a browser that adds up steps: 0.9099999999999999 is 0.91."""
    return round(value, 10) if isinstance(value, float) else value
