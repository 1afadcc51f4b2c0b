"""Makes one stream of random numbers per model, so that model ``i`` is the same on any worker, in any block.

torch's CPU generator keeps 32 bits of its seed. Streams are therefore numbered ``(base + i) mod 2**32``, distinct for
every ``i`` below 2**32 by construction, where hashing ``(seed, i)`` would collide after some 77,000 models.
"""

import numpy as np
import torch

from rsbd.errors import InputError, check_whole


def disjoint_ranges(**numbers: int) -> list[range]:
    """Return consecutive disjoint index ranges: samples that select a class must not also bound it.

    Raises
    ------
    InputError
        A number is not whole, or below 1.

    Examples
    --------
    >>> disjoint_ranges(num_selection=100, num_copies=1000)
    [range(0, 100), range(100, 1100)]
    """
    found, start = [], 0
    for name, number in numbers.items():
        found.append(range(start, start := start + check_whole(name, number, 1)))
    return found


def check_consecutive(numbers: range) -> range:
    """Return the range, or raise if it has steps: disjoint ranges must mean disjoint samples.

    Raises
    ------
    InputError
        The range has steps, or begins below 0.
    """
    if numbers.step != 1 or numbers.start < 0:
        raise InputError(f"the numbers are {numbers}", "give range(first, last), from 0 or more and without steps")
    return numbers


def generators(seed: int, models: range, device: str | torch.device = "cpu") -> list[torch.Generator]:
    """Return the stream of each model in ``models``, at its start.

    Parameters
    ----------
    seed : int
        The seed of the whole ensemble, not negative.
    models : range
        The numbers of the models.
    device : str or torch.device
        Where the random numbers are drawn. CPU and GPU streams differ; their law does not.

    Examples
    --------
    >>> a, b = generators(0, range(2, 4))
    >>> c, = generators(0, range(3, 4))
    >>> torch.rand(1, generator=b).equal(torch.rand(1, generator=c))
    True
    """
    # The seed is spread over 32 bits, so that runs with neighbouring seeds do not share models.
    start = int(np.random.SeedSequence(seed).generate_state(1)[0])
    return [torch.Generator(device).manual_seed((start + i) % 2**32) for i in models]
