"""The default pool of processes after threads have worked: no hang, the same votes, and Ctrl-C ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import rsbd

# Where processes are forked, they lack the threads of torch and of scikit-learn that worked in their parent.
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="processes of Unix")]

WORKED = """
import multiprocessing, signal, sys, threading, time
import numpy as np
import torch, torch._dynamo  # which torch imports when it first trains a module, in every process that does
from concurrent.futures import ProcessPoolExecutor
from sklearn.ensemble import HistGradientBoostingClassifier
import rsbd
from rsbd.learners import determinism

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
multiprocessing.set_start_method("fork")  # the default on Linux up to Python 3.13
torch.set_num_threads(2)
data = rsbd.load("digits", side=8, classes=(0, 1), rows=40, points=20)
torch.rand(600, 600) @ torch.rand(600, 600)
torch.from_numpy(np.zeros((2000, 28, 28), np.uint8)).to(torch.float32).mean()  # as when MNIST is loaded
estimator = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=2).fit(data.x.reshape(40, -1), data.y)
torch.nn.Linear(64, 2)(torch.rand(500, 64)).sum().backward()
"""

LEARNERS = """
def network():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))

def at_work():  # another thread works here, and may hold what a forked process would wait for
    while not done:
        with determinism.reproducible():
            time.sleep(0.001)

flips, bags = rsbd.Smoothing.flips(data, 0.8), rsbd.Smoothing(rows=rsbd.Bagging(10))
learners = [
    rsbd.Linear(), rsbd.RobustLinear(), rsbd.LDA(), rsbd.MLP((4,), epochs=1), rsbd.CNN((2,), 4, epochs=1),
    rsbd.ResNet(width=4, epochs=1), rsbd.Module(network, epochs=1, together=4), rsbd.Sklearn(estimator),
]

def votes(learner, pool=None):
    noise = bags if isinstance(learner, rsbd.RobustLinear) else flips
    return rsbd.collect(data, noise, learner, data.x_test, 4, executor=pool).counts

with ProcessPoolExecutor(2) as pool:
    found = [votes(learner, pool) for learner in learners]
done, thread = [], threading.Thread(target=at_work)
thread.start()
with ProcessPoolExecutor(2) as pool:
    assert (votes(learners[0], pool) == found[0]).all()
done.append(True)
thread.join()
assert all((votes(learner) == counts).all() for learner, counts in zip(learners, found))
with ProcessPoolExecutor(2) as pool:
    print("all the same", flush=True)
    rsbd.collect(data, flips, rsbd.MLP((64,), epochs=20), data.x_test, 64_000, executor=pool)
"""


def test_every_learner_works_in_the_default_pool_after_threads_have_worked_and_ctrl_c_ends_it() -> None:
    where = os.environ | {"PYTHONPATH": str(Path(rsbd.__file__).parents[1]), "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-c", WORKED + LEARNERS]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, env=where, text=True, start_new_session=True, **pipes)
    guard = threading.Timer(300, os.killpg, (process.pid, signal.SIGKILL))  # ends whatever hangs
    guard.start()
    assert process.stdout is not None
    said = process.stdout.readline()
    time.sleep(0.2)
    if said:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the children too
    _, err = process.communicate()
    guard.cancel()
    assert said == "all the same\n", err
    assert process.returncode != -signal.SIGKILL, "Ctrl-C did not end it"
    assert "KeyboardInterrupt" in err
