"""What binder/environment.yml installs, in MB: run ``python tests/benchmarks/binder_sizes.py`` where it is installed.

Sizes are of the packages of this environment with everything that they need, from pip's records: a stand-in for
conda-forge's, whose CPU build of torch is of the same size within a few per cent.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PIP_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib"}


def listed() -> list[str]:
    """Names of environment.yml as pip knows them."""
    entries = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text("utf-8"))["dependencies"]
    names = [re.split(r"[=<>]", entry)[0] for entry in entries]
    return [PIP_NAMES.get(name, name) for name in names if name != "python"]


def size(found: Distribution) -> float:
    """MB of a package's files."""
    paths = [Path(str(file.locate())) for file in found.files or ()]
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def closure(names: list[str]) -> dict[str, float]:
    """MB of the packages and of all that they require."""
    sizes: dict[str, float] = {}
    waiting = list(names)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in sizes:
            continue
        try:
            found = distribution(name)
        except PackageNotFoundError:
            sizes[name] = float("nan")
            continue
        sizes[name] = size(found)
        for text in found.requires or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(needed.name)
    return sizes


def main() -> None:
    """Print the table, largest first, and the sum."""
    sizes = closure(listed())
    there = {name: mb for name, mb in sizes.items() if mb == mb}
    for name, mb in sorted(there.items(), key=lambda item: -item[1])[:20]:
        sys.stdout.write(f"{name:24} {mb:8.1f}\n")
    rest = sum(sorted(there.values())[:-20])
    sys.stdout.write(f"{f'{len(there) - 20} others':24} {rest:8.1f}\n{'together':24} {sum(there.values()):8.1f}\n")
    if missing := sorted(set(sizes) - set(there)):
        sys.stdout.write(f"not installed here: {', '.join(missing)}\n")


if __name__ == "__main__":
    main()
