"""The lessons' helpers: each check accepts the solution, rejects the stub, and has a hint for typical mistakes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from answers import held
from ci_tools import script

import rsbd
from rsbd import bounds, plots
from rsbd.course import lessons
from rsbd.errors import InputError
from rsbd.noises.smoothing import Threat
from rsbd.panels import Panel, Picture, SyncRunner, backdoor
from rsbd.recipes import wang

ROOT = Path(__file__).resolve().parents[2]
DATA = lessons.two_digits()
TIED = rsbd.Smoothing(features=rsbd.Flip(0.8), labels=rsbd.Flip(0.8), test=rsbd.Flip(0.8))


def attack(size: int = 5, rate: float = 0.01, target: int = 0) -> rsbd.Poisoning:
    return rsbd.Poisoning(rsbd.BadPatch(size), target=target, rate=rate)


def keeps(features: object, labels: object, test: object) -> dict[str, object]:
    return {"keep_features": features, "keep_labels": labels, "keep_test": test}


def on_attack(answer):
    return lessons.check_attack(answer, DATA, images=2)


def on_noise(answer):
    return lessons.check_noise(answer, DATA, Threat(rows=1, trigger=1))


def on_budget(answer):
    return lessons.check_budget(answer, rows=3, trigger=4)


def on_miss(answer):
    return lessons.check_miss(answer, keep=0.9)


def on_votes(answer):
    return lessons.check_votes(answer, keep=0.8, num_models=5000, alpha=0.001)


TestAnswers = held(
    [
        (on_budget, 3 * 4 + 3 + 4),
        (on_budget, "19"),
        (on_attack, attack()),
        (on_attack, attack(rate=0.005)),
        (lessons.check_claim, "b"),
        (lessons.check_claim, " B "),
        (lessons.check_claim, '"b".'),
        (on_miss, Fraction(1, 18)),
        (on_miss, 1 / 18),
        (on_miss, 0.0555556),
        (on_votes, rsbd.radius(bounds.simultaneous([[5000, 0]], 0.001), TIED).radius),  # as the notebook solves it
        (on_noise, keeps(0.8, 0.8, 0.9)),
    ],
    [
        (on_budget, 12, "labels"),
        (on_budget, 15, "test image"),
        (on_budget, 16, "relabelled"),
        (on_budget, 4, "every poisoned image"),
        (on_budget, 3, "pixels as well"),
        (on_budget, 100, "three things"),
        (on_budget, "many", "not a number"),
        (on_budget, True, "not a number"),
        (on_budget, [19], "not a number"),
        (on_attack, attack(rate=0.05), "only 2 are allowed"),
        (on_attack, attack(rate=0.0), "no image at all"),
        (on_attack, attack(size=1), "easier to learn"),
        (on_attack, attack(target=1), "wants the label"),
        (on_attack, attack(size=9), "not possible"),
        (on_attack, 0.05, "no attack"),
        (lessons.check_claim, "a", "any number"),
        (lessons.check_claim, "c", "not that it is right"),
        (lessons.check_claim, "d", "pixels and labels, not images"),
        (lessons.check_claim, "e", "none of the claims"),
        (on_miss, 0.5, "radius 0"),
        (on_miss, Fraction(1, 9), "to reach 1"),
        (on_miss, 0.1, "of a flip"),
        (on_miss, 0.9, "That is keep"),
        (on_miss, 0.2, "below 1/2"),
        (on_miss, 0.056, "rounded"),
        (on_miss, 5.56, "per cent"),
        (on_miss, 9, "the factor"),
        (on_miss, 4.5, "a probability"),
        (on_votes, 5000, "number of votes"),
        (on_votes, 4, "One more"),
        (on_votes, 6, "One too many"),
        (on_votes, 0, "strong evidence"),
        (on_votes, 12, "rsbd.radius"),
        (on_noise, keeps(0.9, 0.9, 0.95), "Too little noise"),
        (on_noise, keeps(0.6, 0.6, 0.8), "not clear enough"),
        (on_noise, keeps(0.8, 0.8, 1.2), "is a probability"),
        (on_noise, keeps(0.5, 0.5, 0.5), "useless"),
        (on_noise, {"keep": 0.8}, "one number for each"),
        (on_noise, 0.8, "one number for each"),
    ],
)


def test_a_half_filled_stub_is_no_answer():
    assert on_noise(keeps(0.8, ..., 0.9)).passed is None
    assert on_noise(keeps(0.8, 0.8, None)).passed is None


def test_no_two_hints_of_a_check_are_the_same():
    for check, answers in ((on_budget, (12, 15, 16, 4, 3, 7)), (on_miss, (0.5, 1 / 9, 0.1, 0.9, 0.3))):
        assert len({check(answer).words for answer in answers}) == len(answers)


def test_a_hint_that_equals_the_truth_is_passed_over():
    assert lessons.judge_number(1, 1, "yes", (1, "no"), otherwise="else").passed


def test_an_attack_that_spoils_accuracy_is_noticed():
    # A "trigger" that most images of the class carry anyway: nearly half of the rows are simply mislabelled.
    everywhere = rsbd.Poisoning(rsbd.Pixels(((4, 4),)), target=0, rate=0.45)
    verdict = lessons.check_attack(everywhere, DATA, images=100)
    assert verdict.passed is False
    assert "somebody will notice" in verdict.words


def test_verdicts_are_escaped():
    assert "<b>" not in lessons.Verdict(False, "<b>")._repr_html_()
    assert "<em>all</em> 2 * 3 * 4" in lessons.Verdict(False, "*all* 2 * 3 * 4")._repr_html_()


def test_a_guess_is_kept_and_the_miss_shown():
    asked = lessons.predict("How many?", 97.5)
    assert "97" not in repr(asked.widget)
    assert "98" not in repr(asked.widget)
    asked.guess(90)
    asked.widget.children[1].children[1].click()
    assert "8 points too low" in asked.widget.children[1].children[2].value
    asked.guess(98)
    # The first guess counts: the second one was made with the answer in view.
    assert asked.reveal() == lessons.compare_guess(90, 97.5)
    assert "first guess counts" in asked.widget.children[1].children[2].value
    assert asked.guesses == [90, 98]
    assert asked._repr_mimebundle_()["text/plain"] == "Predict: How many?"


@pytest.mark.parametrize("typed", ["", " ", "many", "-5", "101", "1e9", "nan", "--", "5 images"])
def test_what_is_no_guess_reveals_nothing(typed):
    asked = lessons.predict("How many?", 97.5)
    asked.widget.children[1].children[0].value = typed
    assert asked.reveal() == "First write a number from 0 to 100, then press reveal."
    assert asked.guesses == []


@pytest.mark.parametrize(
    ("typed", "guess"), [("42 %", 42), ("97.6", 97.6), ("0,5", 0.5), ("1,000", 1000), ("100", 100)]
)
def test_a_guess_may_be_written_in_several_ways(typed, guess):
    asked = lessons.predict("How many?", 10, high=1000)
    asked.widget.children[1].children[0].value = typed
    asked.reveal()
    assert asked.guesses == [guess]


@pytest.mark.parametrize(
    ("guess", "truth", "unit", "said"),
    [
        (99, 97.5, "%", "You said 99 %, it is 98 %: 1 point too high."),
        (98, 97.6, "%", "You said 98 %, and 98 % it is."),
        (5000, 75.7, "models", "You said 5,000 models, it is 76 models: 4,924 too high."),
    ],
)
def test_misses_in_words(guess, truth, unit, said):
    assert lessons.compare_guess(guess, truth, unit) == said


def test_an_answer_is_folded_with_its_table_its_picture_and_its_words():
    ax = plots.certified_accuracy([0, 1], [0.9, 0.5])
    parts = lessons.table(["a"], [[0.25]]), lessons.figure(ax, "a curve", "It falls.")
    folded = lessons.answer(*parts, "So {much}.", much=0.5).text
    assert folded.startswith("<details><summary>")
    assert "open" not in folded.partition(">")[0]
    assert [folded.count(part) for part in ("| 25 % |", 'alt="a curve"', "So 50 %.")] == [1, 1, 1]
    assert folded.endswith("</details>")
    assert "a curve" in repr(lessons.answer(*parts))
    assert len(repr(lessons.answer(*parts))) < 500


def test_figures_and_stills_carry_words():
    ax = plots.certified_accuracy([0, 1], [0.9, 0.5])
    shown = lessons.figure(ax, 'alt with "quotes"', "caption & more")
    assert 'alt="alt with &quot;quotes&quot;"' in shown._repr_html_()
    assert "caption &amp; more" in shown._repr_html_()
    assert repr(shown) == "caption & more"
    assert lessons.figure(ax.figure, "a", "b").png.startswith(b"\x89PNG")
    still = lessons.still(backdoor(DATA, num_models=100, compact=True, runner=SyncRunner()))
    assert "<details>" in still._repr_html_()
    assert "<img" in still._repr_html_()
    assert "100 models" in repr(still)


def test_a_still_raises_what_the_worker_raised():
    def broken(params, cancel, progress):
        raise ZeroDivisionError("in the worker")

    panel = Panel(TIED, [], broken, lambda _: Picture("", "", ""), SyncRunner())
    with pytest.raises(ZeroDivisionError, match="in the worker"):
        lessons.still(panel)


def test_two_digits_names_its_choices():
    assert lessons.two_digits(view="unit").values is None
    with pytest.raises(InputError, match="choose 'digits' or 'mnist'"):
        lessons.two_digits("letters")


def test_noised_is_reproducible_and_of_the_asked_strength():
    noise = rsbd.Flip(0.8)
    copy = lessons.noised(noise, DATA.x)
    assert (copy == lessons.noised(noise, DATA.x)).all()
    assert (copy != lessons.noised(noise, DATA.x, seed=1)).any()
    assert (copy != DATA.x).mean() == pytest.approx(0.2, abs=0.015)
    assert lessons.noised(None, DATA.x) is DATA.x


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks" / "results").glob("mnist-[at]*.json")), ids=lambda p: p.stem
)
def test_stored_results_say_what_made_them(path):
    found = lessons.stored(path.stem, path.parent)
    settings = found["settings"]
    assert f"{settings['rows']:,} training images" in found.settings
    assert f"{settings['models']:,} models" in found.settings
    assert found.settings.count("keep ") == 3
    rows, triggers, cells = found.map((0, 1, 2), (1, 2))
    assert cells.shape == (len(rows), len(triggers))
    assert (cells[:-1] >= cells[1:]).all()
    assert cells[0, 0] >= found["certified_accuracy"]["1"] - 1e-9  # one pixel, and only on the test image


@pytest.mark.mnist
def test_the_stored_result_is_what_the_code_computes():
    found = lessons.stored("mnist-tied", ROOT / "notebooks" / "results")
    settings = found["settings"]
    data = rsbd.load("mnist", classes=settings["classes"], rows=settings["rows"], points=settings["points"])
    assert data.fingerprint() == settings["fingerprint"]
    result = wang(data, num_models=settings["models"], alpha=settings["alpha"], seed=settings["seed"])
    for radius, accuracy in found["certified_accuracy"].items():
        assert result.certificate.accuracy(data.y_test, int(radius)) == pytest.approx(accuracy, abs=0.01), radius


def test_a_missing_result_names_the_remedy(tmp_path):
    with pytest.raises(InputError, match="folder of the course"):
        lessons.stored("nothing", tmp_path)


def test_the_overview_is_drawn_from_a_run():
    overview = script("overview")
    found = overview.run(num_models=200)
    drawing = overview.overview(found)
    words = [text.get_text() for ax in drawing.axes for text in ax.texts]
    assert f"{100 * found.accuracies[0]:.0f} %" in words
    assert "fooled" in overview.alt(found)
    picture = ROOT / "notebooks" / "images" / "overview.png"
    assert picture.stat().st_size < 200_000
    assert picture.read_bytes()[16:24] == (1600).to_bytes(4, "big") + (460).to_bytes(4, "big")


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (lambda n: lessons.check_enough(n, wanted=1.5, sigma=0.5), np.ceil([5113.2])),
        (lambda n: lessons.check_models(n, sigma=1.0, length=2.0, alpha=0.001), np.int64(7343)),
        (lambda n: lessons.check_copies(n, width=0.01, alpha=0.001), np.array(34539)),
        (lambda n: lessons.check_dpa_radius(n, votes=[19, 31]), np.int64(5)),
    ],
)
def test_numbers_of_numpy_are_numbers(check, answer):
    assert check(answer).passed, check(answer)
