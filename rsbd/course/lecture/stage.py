"""The live lecture: one scene at a time, moved by keys, on a page that says when its kernel has died."""

import contextlib
import os
from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import ipywidgets as ipw
import traitlets

from rsbd.course.lecture.pages import linked, presenter_page
from rsbd.course.lecture.scenes import SCENES, Scene
from rsbd.course.templates import read_assets
from rsbd.errors import InputError, check_among
from rsbd.panels import Panel, ThreadRunner
from rsbd.panels.engine import sentence_of
from rsbd.panels.runners import Runner


class Bar(anywidget.AnyWidget):
    """Title, message, buttons and keys. The page sends what was pressed; the kernel answers with the new state."""

    _esm = read_assets("../panels/stack.js", "lecture/keys.js", "lecture/build.js", "lecture/stage.js")
    _css = read_assets("lecture/look.css", "lecture/stage.css")

    scenes: Any = traitlets.List().tag(sync=True)
    scene = traitlets.Int(0).tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)  # 0: the question covers the picture; then the number of a preset
    preset = traitlets.Int(0).tag(sync=True)  # -1: a control was moved away from every preset
    frozen = traitlets.Bool(False).tag(sync=True)
    trouble = traitlets.Unicode("").tag(sync=True)
    presenter = traitlets.Unicode(presenter_page()).tag(sync=True)


class Stage:
    """Show scenes, one at a time.

    Parameters
    ----------
    scenes : sequence of Scene
        In order.
    runner : callable
        Makes the runner of each panel: a worker thread unless given.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> stage = Stage(SCENES[2:4], SyncRunner)
    >>> stage.preset(2)
    >>> stage.panel.params.samples
    10
    >>> stage.go(2)
    >>> stage.scene.title
    'The worst classifier'
    """

    def __init__(self, scenes: Sequence[Scene] = SCENES, runner: Callable[[], Runner] = ThreadRunner) -> None:
        self._scenes, self._runner = tuple(scenes), runner
        self._panels: dict[int, Panel[Any, Any]] = {}
        self._number = 0
        self._place = ipw.Box([]).add_class("rsbd-place")
        link = os.environ.get("RSBD_LINK", "")
        self.bar = Bar(scenes=[{**s.told, **linked(n, link)} for n, s in enumerate(self._scenes, 1)])
        self.bar.on_msg(self._asked)
        self.widget = ipw.VBox([self.bar, self._place]).add_class("rsbd-stage")
        self._show()

    @property
    def scene(self) -> Scene:
        """Return the scene on stage."""
        return self._scenes[self._number]

    @property
    def panel(self) -> Panel[Any, Any]:
        """Return the panel on stage.

        Raises
        ------
        InputError
            If the panel could not be created.
        """
        if self._number not in self._panels:
            raise InputError(self.bar.trouble or "no scene is on stage", "go to another scene")
        return self._panels[self._number]

    def go(self, number: int, step: int = 0) -> None:
        """Open a scene, counted from 1, at its question or at a later step; its controls are as they were left.

        Raises
        ------
        InputError
            If there is no such scene.
        """
        if not 1 <= number <= len(self._scenes):
            raise InputError(f"there is no scene {number}", f"choose from 1 to {len(self._scenes)}")
        self.freeze(False)
        self._number = number - 1
        self._show(min(max(step, 0), len(self.scene.presets)))

    def forward(self) -> None:
        """Go one step on: from the question to the first preset, to the other presets, to the next scene."""
        if self.bar.step < len(self.scene.presets):
            self._build(self.bar.step + 1)
        elif self._number + 1 < len(self._scenes):
            self.go(self._number + 2)

    def back(self) -> None:
        """Go one step back; from a question to the last step of the scene before."""
        if self.bar.step:
            self._build(self.bar.step - 1)
        elif self._number:
            self.go(self._number, len(self._scenes[self._number - 1].presets))

    def preset(self, number: int) -> None:
        """Move the controls to a preset, counted from 1.

        Raises
        ------
        InputError
            If the scene has no such preset.
        """
        check_among(f"the preset of scene {self.scene.title!r}", number, range(1, len(self.scene.presets) + 1))
        self.panel.set(**self.scene.preset(number - 1))
        self.bar.step = number

    def reset(self) -> None:
        """Go back to the first preset of this scene, live."""
        self.freeze(False)
        self.preset(1)

    def freeze(self, on: bool | None = None) -> None:
        """Keep the picture on screen while controls move, or release it; without an argument, toggle."""
        self.bar.frozen = not self.bar.frozen if on is None else on
        if self._number in self._panels:
            self._panels[self._number].picture.held = self.bar.frozen

    def wait(self, timeout: float | None = 120.0) -> None:
        """Wait for the picture; raise what its computation raised."""
        self.panel.wait(timeout)

    def close(self) -> None:
        """Stop all workers and remove the widgets from the page."""
        for panel in self._panels.values():
            panel.close()
        for widget in (self.bar, self._place, self.widget):
            widget.close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = self.widget._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        words = f"A stage with {len(self._scenes)} scenes, which needs a running kernel"
        if not os.environ.get("RSBD_STILL"):
            return {**data, "text/plain": words}
        self.wait()
        return {**data, "text/plain": words, "text/html": self.panel.page}

    def _show(self, step: int = 0) -> None:
        """Put the scene on stage, at a step. A scene that cannot be created leaves a sentence; the lecture goes on."""
        shown: list[ipw.Widget] = []
        trouble = ""
        try:
            shown = [self._open(self._number).widget]
        except Exception as error:
            trouble = f"This scene cannot be shown: {sentence_of(error)}"
        with self.bar.hold_sync():  # one message, so that no page shows this scene at the step of the scene before
            self.bar.scene, self.bar.step, self.bar.trouble = self._number, step, trouble
            self._compare()
        self._place.children = shown
        self._build(step)

    def _build(self, step: int) -> None:
        """Show a step of this scene. A scene that cannot be created has its steps, too: the lecture goes on."""
        if step and self._number in self._panels:
            self.preset(step)
        self.bar.step = step

    def _prepare(self) -> None:
        """Create the next scene while the lecturer talks about this one, so that it opens with its picture."""
        here, then = self._panels.get(self._number), self._number + 1
        if here is not None and here.picture.state == "final" and then < len(self._scenes):
            with contextlib.suppress(Exception):  # reported when the scene is opened
                self._open(then)

    def _open(self, number: int) -> Panel[Any, Any]:
        """Return the panel of a scene; it is created when it is first asked for."""
        if number not in self._panels:
            panel = self._panels[number] = self._scenes[number].open(self._runner())
            panel.picture.observe(lambda _: self._compare(), names="state")
        return self._panels[number]

    def _compare(self) -> None:
        """Tell the page which preset the controls show."""
        panel = self._panels.get(self._number)
        at = [
            i
            for i in range(len(self.scene.presets))
            if panel is not None and all(getattr(panel.params, k) == v for k, v in self.scene.preset(i).items())
        ]
        self.bar.preset = at[0] if at else -1

    def _asked(self, _: Any, content: Any, __: Any) -> None:
        """Do what the page asks for. Ignore a message that makes no sense: a wrong key changes nothing."""
        with contextlib.suppress(InputError):
            match content:
                case {"do": "ping"}:
                    self.bar.send({"pong": True})
                    self._prepare()
                case {"do": "forward" | "back" | "reset" | "freeze" as what}:
                    getattr(self, what)()
                case {"do": "scene", "number": int(number), "step": int(step)}:
                    self.go(number, step)
                case {"do": "preset", "number": int(number)}:
                    self.preset(number)
