"""A panel: inputs, controls, engine and picture wired together, for use by hand and from code."""

from __future__ import annotations

import contextvars
import dataclasses
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import ipywidgets as ipw

from rsbd.attacks.poisoning import rows_to_poison
from rsbd.data import Dataset, load
from rsbd.errors import InputError, is_between
from rsbd.panels import svg
from rsbd.panels.controls import Control, Controls, controls_of, shown_controls
from rsbd.panels.engine import Compute, Engine, Frame
from rsbd.panels.glossary import explained
from rsbd.panels.live import show_live, still_page
from rsbd.panels.picture_widget import PictureWidget
from rsbd.panels.runners import Runner
from rsbd.panels.svg import Picture

# What the function of a panel is made of.
__all__ = ["Panel", "Runner", "count_poisoned", "first_params", "image_dataset"]
_P = TypeVar("_P")
_R = TypeVar("_R")
_PACE = 0.12  # seconds that a final picture stands before a slider that plays moves on


class Panel(Generic[_P, _R]):
    """A live panel.

    Parameters
    ----------
    params : frozen dataclass
        The first parameters.
    controls : sequence of Control
        The parameters that a reader can move. :meth:`set` reaches the others too.
    compute, render : callable
        The panel's two pure functions; see :class:`~rsbd.panels.engine.Engine`.
    runner : Runner, optional
        A worker thread unless given.

    Attributes
    ----------
    widget : Widget
        The ipywidget, for a layout of your own.

    Examples
    --------
    >>> from rsbd.panels import Panel, Picture, Slider, SyncRunner
    >>> @dataclasses.dataclass(frozen=True)
    ... class Params:
    ...     side: int = 2
    >>> panel = Panel(Params(), [Slider("side", "side (m)", 1, 9, 1)],
    ...               lambda params, cancel, progress: params.side ** 2,
    ...               lambda area: Picture("<svg/>", f"{area} m2", f"The square has {area} m2."),
    ...               SyncRunner())
    >>> panel.set(side=3)
    >>> panel.sentence
    'The square has 9 m2.'
    """

    def __init__(
        self,
        params: _P,
        controls: Sequence[Control],
        compute: Compute[_P, _R],
        render: Callable[[_R], Picture],
        runner: Runner | None = None,
    ) -> None:
        self._params = params
        self.picture = PictureWidget()
        self.picture.observe(self._wished, names="wish")
        self._waiting: list[Any] = []  # pages shown before there was a final picture
        self.engine: Engine[_P, _R] = Engine(compute, render, self._show, runner)
        self.controls = Controls(controls, vars(params), self._moved)
        self.terms = ipw.HTML()
        self.widget: ipw.Widget = ipw.VBox([self.controls.widget, self.picture, self.terms]).add_class("rsbd-panel")
        self._submit(params)

    @classmethod
    def of(
        cls, kind: type[_P], settings: Mapping[str, Any], compute: Compute[_P, _R], render: Callable[[_R], Picture],
        runner: Runner | None = None, **own: Mapping[str, Any]
    ) -> Panel[_P, _R]:  # fmt: skip
        """Return the panel with the controls of its parameters, a dataclass ``kind``.

        Parameters
        ----------
        settings : mapping
            First values, which differ from those of ``kind``.
        **own
            By control what depends on the data, as :func:`~rsbd.panels.controls.controls_of` takes it.

        Raises
        ------
        InputError
            If there is no such setting, or its control does not offer its value.
        """
        return cls(first_params(kind, settings), controls_of(kind, **own), compute, render, runner)

    @property
    def params(self) -> _P:
        """The newest parameters."""
        return self._params

    @property
    def svg(self) -> str:
        """The picture on screen."""
        return str(self.picture.svg)

    @property
    def alt(self) -> str:
        """The description of the picture on screen."""
        return str(self.picture.alt)

    @property
    def sentence(self) -> str:
        """The result on screen, or the sentence of its error."""
        return str(self.picture.error or self.picture.sentence)

    def set(self, **changes: Any) -> None:
        """Change parameters from code; the controls follow.

        Raises
        ------
        InputError
            If there is no such setting, or its control does not offer its value.
        """
        _check_names(type(self._params), changes)
        params = dataclasses.replace(self._params, **changes)  # type: ignore[type-var]
        self.controls.set(changes)
        self._submit(params)

    def wait(self, timeout: float | None = 120.0) -> None:
        """Wait for the final picture; raise the error of its computation, so that it fails a notebook cell too."""
        self.engine.wait(timeout)

    def close(self) -> None:
        """Stop the worker and take the widgets off the page."""
        self.engine.close()
        for widget in (self.picture, self.controls.widget, self.terms, self.widget):
            widget.close()

    def _ipython_display_(self) -> None:
        """Show the live panel; see :mod:`rsbd.panels.live`.

        A page without a kernel gets the first final picture: with ``RSBD_STILL``, as notebooks are executed that will
        be committed, the cell waits for it.
        """
        if os.environ.get("RSBD_STILL"):
            self.wait()
        final = self.picture.state == "final"
        handle = show_live(self.widget, self.page, self.sentence)
        if not final:
            self._waiting.append(handle)
            if self.picture.state == "final":
                self._renew()

    @property
    def page(self) -> str:
        """The picture on screen and its sentence, as HTML."""
        return Picture(svg.themed(self.svg), self.alt, self.sentence)._repr_html_()

    def _renew(self) -> None:
        while self._waiting:
            self._waiting.pop().update(still_page(self.page, self.sentence), raw=True)

    def _show(self, frame: Frame) -> None:
        self.picture.show(frame)
        if frame.state == "final":
            self._renew()
            if not self.terms.value:  # once: a line that changes under the reader's eyes explains nothing
                labels = ", ".join(control.label for control in self.controls.spec)
                self.terms.value = explained(f"{labels} {self.svg} {self.sentence}")
            if self.controls.playing:
                after = threading.Timer(_PACE, contextvars.copy_context().run, [self.controls.advance])
                after.daemon = True
                after.start()

    def _moved(self, values: dict[str, Any]) -> None:
        try:
            params = dataclasses.replace(self._params, **values)  # type: ignore[type-var]
        except InputError as error:  # each value is valid, but not all of them together
            self.engine.reject(error)
            return
        if params != self._params:
            self._submit(params)

    def _wished(self, change: Any) -> None:
        """Set what a touch of the picture asks for, as near as the sliders can show it."""
        values = self.controls.nearest(change["new"].get("set", {}))
        self.controls.set(values)
        self._moved(values)

    def _submit(self, params: _P) -> None:
        self._params = params
        self.controls.show(shown_controls(params))
        self.engine.submit(params)


def image_dataset(
    given: Dataset | str | None,
    view: str = "binary",
    fits: Callable[[int | None], bool] = lambda levels: True,
    **part: Any,
) -> Dataset:
    """Return the data set of images that was given, the one of that name, or the digits.

    Parameters
    ----------
    given : Dataset, str or None
        The data set, its name, or None for the digits.
    view : str
        The view in which a data set is loaded.
    fits : callable
        ``fits(levels)`` says if the panel can show inputs with this number of levels; None if they are continuous.
    **part
        The part of the digits that is loaded if ``given`` is None, as :func:`rsbd.data.load` takes it.

    Raises
    ------
    InputError
        If the inputs are not images, or do not fit.

    Examples
    --------
    >>> image_dataset(None, classes=(1, 7)).classes, image_dataset("digits", "unit").num_classes
    (('1', '7'), 10)
    """
    if given is None:
        data = load("digits", view=view, **part)
    else:
        data = given if isinstance(given, Dataset) else load(given, view=view)
    if len(data.shape) not in (2, 3):
        raise InputError(f"{data.name} has inputs of shape {data.shape}", "this panel shows images, such as digits")
    if not fits(data.values):
        levels = "is continuous" if data.values is None else f"has {data.values} levels"
        raise InputError(f"{data.name} {levels}", f"load its {view} view, or round your own to its levels")
    return data


def first_params(kind: type[_P], settings: Mapping[str, Any]) -> _P:
    """Return a panel's first parameters.

    Raises
    ------
    InputError
        If a setting is not a field of the dataclass ``kind``.
    """
    _check_names(kind, settings)
    return kind(**settings)


def _check_names(kind: type, settings: Iterable[str]) -> None:
    known = sorted(field.name for field in dataclasses.fields(kind))
    for name in settings:
        if name not in known:
            raise InputError(f"this panel has no setting {name!r}", f"choose from {', '.join(known)}")


def count_poisoned(
    settings: Mapping[str, Any], data: Dataset, rate: str, usual: float, most: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the first settings of a panel, with a number in place of a share, and the label and end of its slider.

    Parameters
    ----------
    settings : mapping
        With ``poisoned``, or with the share under the name ``rate``, or with neither.
    data : Dataset
        Whose training images are poisoned.
    rate : str
        The name of the share in ``settings``.
    usual, most : float
        The share if none is given, and the largest one.

    Raises
    ------
    InputError
        If the share is out of range or positive and no row, or both are given.

    Examples
    --------
    >>> from rsbd.data import load
    >>> digits = load("digits", classes=(0, 1))
    >>> settings, slider = count_poisoned({"keep": 0.9, "poison_rate": 0.02}, digits, "poison_rate", 0.05, 0.1)
    >>> settings, slider
    ({'poisoned': 4, 'keep': 0.9}, {'label': 'poisoned images (of 204)', 'high': 20})
    """
    if "poisoned" in settings and rate in settings:
        raise InputError(f"both poisoned and {rate} are given", "give one of the two")
    share = settings.get(rate, usual)
    if not is_between(share, 0, most):
        raise InputError(f"the poison rate is {share!r}", f"give a share from 0 to {most:g}")
    slider = {"label": f"poisoned images (of {data.num_rows:,})", "high": round(most * data.num_rows)}
    return {"poisoned": rows_to_poison(share, data.num_rows)} | {k: settings[k] for k in settings if k != rate}, slider
