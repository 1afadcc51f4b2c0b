"""The panel of RAB: noise on the training pixels, an attack of a given length, and two bounds on the same votes."""

from typing import Any

from rsbd.data import Dataset
from rsbd.learners import LDA, Learner
from rsbd.panels import svg
from rsbd.panels.chart import Chart, bars
from rsbd.panels.panel import Panel, Runner, count_poisoned, image_dataset
from rsbd.panels.rab.compute import RabComputation, RabParams, RabResult
from rsbd.panels.rates import rate_bars, success_words
from rsbd.words import note, percent, phrases_of, preview, state

_say = phrases_of(__file__)
_LOOKS = {"clopper-pearson": (svg.BLUE, ""), "hoeffding": (svg.ORANGE, "9 5"), "anytime": (svg.BLUE, "9 5")}
_NAMES = {"clopper-pearson": "Clopper-Pearson", "hoeffding": "Hoeffding", "anytime": "anytime bound"}


def rab(
    dataset: Dataset | str | None = None,
    *,
    target: int | str = 0,
    learner: Learner | None = None,
    seed: int = 0,
    runner: Runner | None = None,
    **settings: Any,
) -> Panel[RabParams, RabResult]:
    """Return the live panel of RAB: noise on training pixels against an attack of a given length.

    Parameters
    ----------
    dataset : Dataset or str, optional
        Gray images, not in their binary view; a name is loaded in its unit view. The digits 0 and 1 unless given.
    target : int or str
        Class that the attacker wants.
    learner : Learner, optional
        Base learner; :class:`~rsbd.learners.discriminant.lda.LDA` unless given.
    seed : int
        Seed of the attack and of the ensemble.
    runner : Runner, optional
        A worker thread unless given.
    **settings
        First values of :class:`~rsbd.panels.rab.compute.RabParams`:
        ``sigma``, ``trigger``, ``poisoned``, ``num_models``, ``alpha``. A share ``poison_rate`` may stand in place of
        the number ``poisoned``; 0.02 unless given.

    Raises
    ------
    InputError
        If the inputs are not gray images, the target is not a class, or a setting is out of range.

    References
    ----------
    Weber, Xu, Karlaš, Zhang, Li, "RAB: Provable Robustness Against Backdoor Attacks", IEEE S&P 2023, theorem 1,
    corollary 1.

    Examples
    --------
    >>> from rsbd.panels import SyncRunner
    >>> panel = rab(num_models=100, runner=SyncRunner())
    >>> panel.wait()
    >>> panel.sentence[:29]
    'Nothing is proved against any'
    """
    data = image_dataset(dataset, "unit", lambda levels: levels != 2, classes=(0, 1))
    compute = RabComputation(data, data.label(target), learner or LDA(), seed)
    settings, slider = count_poisoned(settings, data, "poison_rate", 0.02, 0.2)
    return Panel.of(RabParams, settings, compute, draw_rab, runner, poisoned=slider)


def draw_rab(found: RabResult) -> svg.Picture:
    """Draw curves, images and rates."""
    drawing = svg.halves(_curves(found), _images(found), _rates(found))
    return svg.Picture(drawing, _alt(found), _sentence(found), note(found.models, found.params.num_models))


def _curves(found: RabResult) -> str:
    title = "certified accuracy, two bounds" if found.outcome.final else "certified accuracy (preview)"
    xlabel = "L2 length of all changes (pixel units)"
    chart = Chart.of_shares((78, 130, 434, 400), (0, float(found.radii[-1])), "", xlabel)
    parts = []
    if found.outcome.final:
        low, high = found.curves["hoeffding"], found.curves["clopper-pearson"]
        parts.append(chart.band(found.radii, low, high, svg.BLUE, 0.14))
    parts += [chart.line(found.radii, c, _LOOKS[n][0], dash=_LOOKS[n][1], width=3.5) for n, c in found.curves.items()]
    key = chart.key(*((_NAMES[name], *_LOOKS[name]) for name in found.curves), across=1, high=44)
    attack = chart.budget(found.budget, f"this attack: {found.budget:.3g}")
    about = "proved: no change of this length alters", "the answer; labels are not covered"
    return svg.text(18, 34, title, weight=600) + chart.filled(*parts, key, attack, chart.note(*about))


def _images(found: RabResult) -> str:
    names = ("clean", f"trigger {found.params.trigger:g}", "with noise")
    edges = (svg.GRID, svg.VERMILLION, svg.BLUE)
    parts = [svg.text(470, 34, "a poisoned training image", weight=600)]
    parts.append(svg.text(470, 206, found.outcome.experiment.dataset.name, fill=svg.SOFT))
    for i, (image, name, edge) in enumerate(zip(found.images, names, edges, strict=True)):
        parts.append(svg.captioned(image, 470 + i * 134, 50, 112, name, 20, edge, 2))
    return "".join(parts)


def _rates(found: RabResult) -> str:
    """Draw the certified accuracy at the attack's length, and the success of the attack."""
    names, colours = zip(*((_NAMES[name], _LOOKS[name][0]) for name in found.at_attack), strict=True)
    seen = found.outcome.experiment.target_name
    parts = [
        svg.text(470, 236, f"proved at this attack: {_attack_length(found)}", weight=600),
        bars((640, 250, 895, 322), names, list(found.at_attack.values()), colours),
        svg.text(470, 358, f"seen: triggered images called \u201c{seen}\u201d", weight=600),
        rate_bars(found.outcome, "attack_success_rate", (640, 370, 895, 446)),
    ]
    said = "Proved for training pixels only; the attack", "also relabels, and stamps the test image."
    return "".join(parts) + svg.lines(470, 474, said, fill=svg.SOFT)


def _attack_length(found: RabResult) -> str:
    """Write the attack's total length: the square root of the number of rows, times the trigger's norm."""
    if not found.rows:
        return "no poisoned image"
    return f"\u221a{found.rows} \u00d7 {found.params.trigger:g} = {found.budget:.3g}"


def _sentence(found: RabResult) -> str:
    """Say what is certified by each bound, against which change, and what the attack did."""
    each = [f"{percent(share)} ({_NAMES[name]})" for name, share in reversed(found.at_attack.items())]
    some = any(found.at_attack.values())
    words = {
        "early": preview(found.models, found.params.num_models),
        "proved": f"{' or '.join(each)} of test images are proved to stay right" if some else "Nothing is proved",
        "success": success_words(found.outcome),
    }
    return _say("sentence", found=found, p=found.params, **words)


def _alt(found: RabResult) -> str:
    curves = []
    for name, curve in found.curves.items():
        shown = [i for i in range(0, len(curve), 20) if i == 0 or curve[i] > 0]  # as far as something is certified
        points = ", ".join(f"{percent(float(curve[i]))} at {found.radii[i]:.3g}" for i in shown)
        curves.append(_say("curve", name=_NAMES[name], points=points, here=found.at_attack[name]))
    words = {
        "dataset": found.outcome.experiment.dataset.name,
        "curves": "; ".join(curves),
        "attack": _attack_length(found),
        "success": success_words(found.outcome),
        "state": state(found.models, found.params.num_models),
    }
    return _say("alt", p=found.params, **words)
