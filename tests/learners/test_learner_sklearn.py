"""Classifiers of scikit-learn as base learners."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from rsbd.data import load
from rsbd.ensemble import collect
from rsbd.errors import InputError
from rsbd.learners import Problem, Sklearn, randomness
from rsbd.noises import Flip, Gaussian
from rsbd.noises.smoothing import Smoothing

NOISE = Smoothing(features=Gaussian(0.3), labels=Flip(0.9, 10), test=Gaussian(0.3))


def digits(smoothing=NOISE, rows=400):
    data = load("digits", side=8, view="unit", rows=rows, points=200)
    x, x_test = (torch.tensor(a).flatten(1) for a in (data.x, data.x_test))
    return Problem(x, torch.tensor(data.y), 10, None, (8, 8), smoothing), x_test, torch.tensor(data.y_test)


def votes(estimator, models=range(8), smoothing=NOISE):
    problem, x, _ = digits(smoothing)
    streams = randomness.generators(0, models)
    return Sklearn(estimator).train(problem, streams).predict(x, smoothing.test, streams)


@pytest.mark.parametrize("estimator", [GaussianNB(), make_pipeline(StandardScaler(), LogisticRegression())])
def test_the_majority_learns_the_digits(estimator):
    labels, truth = votes(estimator, range(16)), digits()[2]
    assert labels.shape == (16, 200)
    assert labels.dtype == torch.int64
    assert (labels.mode(0).values == truth).float().mean() > 0.85


@pytest.mark.parametrize(
    "estimator", [SGDClassifier(random_state=3), make_pipeline(StandardScaler(), RandomForestClassifier(5))]
)
def test_a_model_depends_on_its_own_stream_only(estimator):
    np.random.seed(0)  # noqa: NPY002  (numpy's global stream, which estimators without a state would use)
    together = votes(estimator)
    assert torch.equal(votes(estimator), together)
    assert torch.equal(torch.cat([votes(estimator, range(i, i + 1)) for i in range(8)]), together)
    assert not torch.equal(together[0], together[1])


def test_without_noise_models_differ_by_their_random_state_alone():
    forest = votes(RandomForestClassifier(2, random_state=0), smoothing=Smoothing())
    assert not torch.equal(forest[0], forest[1])
    nearest = votes(KNeighborsClassifier(), smoothing=Smoothing())
    assert (nearest == nearest[0]).all()


def test_it_sees_the_noised_rows_and_no_others():
    """One nearest neighbour on the very rows that `noised` draws gives the same labels."""
    problem, x, _ = digits(Smoothing(features=Gaussian(0.4), labels=Flip(0.5, 10)))
    streams, same = randomness.generators(0, range(3)), randomness.generators(0, range(3))
    labels = Sklearn(KNeighborsClassifier(1)).train(problem, streams).predict(x, None, streams)
    for found, generator in zip(labels, same, strict=True):
        rows, y = problem.noised(generator)
        assert torch.equal(found, y[torch.cdist(x.double(), rows.double()).argmin(1)])


def test_rows_get_the_noise_that_they_lack_of_the_test_input():
    def spread(smoothing):
        problem = digits(smoothing)[0]
        return Sklearn(GaussianNB()).train(problem, randomness.generators(0, range(1))).models[0].var_.mean()

    clean = spread(Smoothing())
    assert spread(Smoothing(test=Gaussian(0.5))) - clean == pytest.approx(0.25, rel=0.05)
    assert spread(Smoothing(features=Gaussian(0.3), test=Gaussian(0.5))) - clean == pytest.approx(0.25, rel=0.05)


def test_a_training_set_of_one_class_says_that_class():
    problem, x, _ = digits(Smoothing())
    one = Problem(problem.x[problem.y == 7], problem.y[problem.y == 7], 10, None, (8, 8), Smoothing())
    streams = randomness.generators(0, range(2))
    labels = Sklearn(LogisticRegression()).train(one, streams).predict(x, None, streams)
    assert (labels == 7).all()


def test_an_ensemble_of_it_is_the_same_in_parts_and_from_a_copy():
    data = load("digits", side=8, classes=(0, 1), rows=100, points=40)
    noise = Smoothing(features=Flip(0.8), labels=Flip(0.8), test=Flip(0.8))
    learner = Sklearn(make_pipeline(SelectKBest(k=30), GaussianNB()), name="thirty best")
    whole = collect(data, noise, learner, data.x_test, 30)
    part = collect(data, noise, pickle.loads(pickle.dumps(learner)), data.x_test, 13)
    again = collect(data, noise, learner, data.x_test, 30, resume=part)
    assert np.array_equal(again.counts, whole.counts)
    assert (whole.label == data.y_test).mean() > 0.9


def test_votes_are_kept_under_every_setting_in_full():
    long = Sklearn(GaussianNB(priors=np.arange(2000) / 1999000))
    assert "1500" in repr(long).replace("0.0007503751875937969", "1500")
    assert repr(Sklearn(GaussianNB())) != repr(Sklearn(GaussianNB(var_smoothing=1e-8)))
    inner = [make_pipeline(StandardScaler(with_mean=flag), GaussianNB()) for flag in (True, False)]
    assert repr(Sklearn(inner[0])) != repr(Sklearn(inner[1]))


def test_changing_the_estimator_afterwards_changes_nothing():
    mine = GaussianNB()
    learner = Sklearn(mine)
    before = repr(learner)
    mine.set_params(var_smoothing=1.0)
    assert repr(learner) == before


@pytest.mark.parametrize("thing", [GaussianNB, LinearRegression(), "GaussianNB"])
def test_what_is_no_classifier_is_refused_in_a_sentence(thing):
    with pytest.raises(InputError, match=r"no classifier .*: give one"):
        Sklearn(thing)
