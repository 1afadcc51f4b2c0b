"""Trade-offs: how far an attacker can move a probability.

A trade-off answers one question. The defender's noise turns the data into a law `P`; if the attacker had changed the
data within the threat, the noise would have turned them into `Q`. If an event has probability at most `p` under `P`,
how probable can it be under `Q`? By the Neyman-Pearson lemma, the most probable event takes the outcomes in order of
falling `Q / P`:

>>> from fractions import Fraction
>>> law = flips(keep=Fraction(4, 5), values=2, changes=1)
>>> law.upper(Fraction(1, 20))
Fraction(1, 5)

Every law here consists of finitely many levels of `Q / P`, times at most one Gaussian shift. Parts that are attacked
together multiply: ``flips(...) * gaussian(...)``.

Modules: `law` (the class `Tradeoff`), `make` and `mixture` (functions that return one), `parts` (the discrete laws in
exact integers), `exact` (rational arithmetic), `bulk` (float64, rounded outward), `shift` (Gaussian), `mixed` (Gaussian
and discrete together).
"""

from rsbd.tradeoff.law import Tradeoff
from rsbd.tradeoff.make import flips, gaussian, identity, levels, mixture, overlap

__all__ = ["Tradeoff", "flips", "gaussian", "identity", "levels", "mixture", "overlap"]
