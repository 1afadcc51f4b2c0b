"""The widget that shows an SVG in the browser and replaces it in place, with its alt text, sentence and state.

It is an anywidget with a hundred lines of JavaScript (``picture.js``). A redraw takes about 40 ms from key press to
picture. The picture does not flicker, and the page's memory does not grow as it does with PNG images.
"""

import pathlib

import anywidget
import traitlets

from rsbd.panels.engine import Frame

_HERE = pathlib.Path(__file__).parent


class PictureWidget(anywidget.AnyWidget):
    """Show the frames of an :class:`~rsbd.panels.engine.Engine`.

    Frames may come from the worker thread, since only the kernel writes them. Each frame is one
    message, so a browser never shows the picture of one result beside the sentence of another.
    """

    _esm = "\n".join((_HERE / name).read_text(encoding="utf-8") for name in ("calm.js", "stack.js", "picture.js"))
    _css = (_HERE / "picture.css").read_text(encoding="utf-8")

    svg = traitlets.Unicode("").tag(sync=True)
    alt = traitlets.Unicode("").tag(sync=True)
    sentence = traitlets.Unicode("").tag(sync=True)
    error = traitlets.Unicode("").tag(sync=True)
    state = traitlets.Enum(["busy", "preview", "final", "error"], "busy").tag(sync=True)
    note = traitlets.Unicode("").tag(sync=True)
    progress = traitlets.Float(0.0).tag(sync=True)
    wish = traitlets.Dict().tag(sync=True)  # from the browser: {"set": parameters that a touch of the picture asks for}
    held = traitlets.Bool(False).tag(sync=True)  # if true, the page keeps the picture that it shows

    def __init__(self) -> None:
        super().__init__()
        self.on_msg(lambda *_: self.send_state())  # a page that has just been built asks for the newest frame

    def show(self, frame: Frame) -> None:
        """Show ``frame``; the engine calls this under its lock."""
        with self.hold_sync():
            self.state = frame.state
            self.error = frame.error or ""
            for name in ("svg", "alt", "sentence", "note") if frame.picture else ():
                setattr(self, name, getattr(frame.picture, name))
            if frame.progress is not None or frame.state == "busy":
                self.progress = frame.progress or 0.0
