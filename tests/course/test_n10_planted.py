"""Notebook 10: the self-check, the audit of a certificate by full enumeration, the pictures and the card."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest

from rsbd import AnyPatch, BadPatch, Bagging, ClassBagging, Poisoning, RobustLinear, load
from rsbd.course import lessons
from rsbd.course.lessons import HINTS
from rsbd.recipes import pecan

DATA = load("digits", side=8, classes=(0, 1), rows=60, points=20)


def published(votes: Sequence[int], lost: int) -> int:
    """Return the certificate that takes as rival the lowest other label."""
    winner = max(range(len(votes)), key=lambda label: votes[label])
    rival = min(label for label in range(len(votes)) if label != winner)
    return (votes[winner] - votes[rival] - lost - (rival < winner)) // 2


def repaired(votes: Sequence[int], lost: int) -> int:
    winner = max(range(len(votes)), key=lambda label: votes[label])
    rival = max((label for label in range(len(votes)) if label != winner), key=lambda label: votes[label])
    return (votes[winner] - votes[rival] - lost - (rival < winner)) // 2


def test_the_audit_finds_the_broken_line_and_nothing_else() -> None:
    found = lessons.audit_certificate(published)
    assert "A certificate is violated" in found.text
    assert "0 / 2 / 3, and 0 lost" in found.text
    assert "Label 1 wins" in found.text
    for models, classes in ((5, 3), (4, 4), (6, 2)):
        assert "no certificate is violated" in lessons.audit_certificate(repaired, models, classes).text


@pytest.mark.parametrize("classes", [2, 3])
def test_the_audit_finds_every_certificate_that_claims_one_model_more(classes: int) -> None:
    """The repaired certificate is tight, so that any larger claim is refuted."""
    for wins in range(1, 6):
        votes = [0] * (classes - 1) + [wins]

        def certified(asked: Sequence[int], lost: int, votes: list[int] = votes) -> int:
            return repaired(asked, lost) + 1 if list(asked) == votes else -1

        assert "violated.**" in lessons.audit_certificate(certified, wins, classes).text


def test_a_certificate_that_returns_no_number_gets_a_sentence() -> None:
    assert "it returns None: let it return a whole number" in lessons.audit_certificate(lambda votes, lost: None).text


def test_two_classes_do_not_show_the_broken_line() -> None:
    assert "no certificate is violated" in lessons.audit_certificate(published, 6, 2).text


def test_rows_that_a_vote_survives() -> None:
    hints = HINTS["check_lost_models"]
    said = {answer: lessons.check_lost_models(answer, unkept=0.3, size=100).words for answer in (20, 50, 39, 70, 3)}
    cases = "tie", "all_kept", "both_classes", "kept", "otherwise"
    assert [words.split(".")[0][:20] for words in said.values()] == [hints[case].split(".")[0][:20] for case in cases]
    assert lessons.check_lost_models("19", unkept=0.3, size=100).passed
    bags = ClassBagging(1, (100, 100))
    assert bags.shift(19).certifies(Fraction(3, 10))
    assert not bags.shift(20).certifies(Fraction(3, 10))


def test_neither_noise_nor_bags_alone_reach_both_halves() -> None:
    shown = lessons.draw_noise_limit(DATA, rows=3, pixels=1)
    assert "3 poisoned images: " in shown.alt
    assert "1 pixel of the test image: " in shown.alt
    assert "both at once: " in shown.alt
    assert shown.sentence.startswith("At its best keep: ")


def test_one_vote_is_drawn_with_what_the_patch_takes() -> None:
    shown = lessons.draw_one_vote(DATA, 0, 1)
    assert "The worst 1x1 patch takes" in shown.sentence
    assert "the worst patch is at row" in shown.alt


@pytest.mark.slow
@pytest.mark.parametrize("bag", [2, ClassBagging.of(DATA)])
def test_the_card_says_what_is_proved_and_what_was_seen(bag: ClassBagging | int) -> None:
    attack = Poisoning(BadPatch(1), target=0, rate=0.05)
    card = lessons.attack_card(DATA, attack, bag, num_models=200)
    noise = Bagging(bag) if isinstance(bag, int) else bag
    proved = pecan(DATA, AnyPatch(1), noise, learner=RobustLinear(), num_models=200).certificate.accuracy(
        DATA.y_test, 3
    )
    assert f"{100 * proved:.0f} % of test images: right, and proved against any 1x1 patch anywhere" in repr(card)
    alt = card._repr_html_().partition('alt="')[2].partition('"')[0]
    assert alt.startswith("My attack against my defence: ")
    assert "Attack: 3 of 60 images stamped and labelled \u201c0\u201d." in alt
    assert "Seen: without a defence it turns" in alt
    assert "on the weakest proved image" in alt
