"""Make the figures and tables of pages by the pages' own commands: ``python .ci/reproduce.py FOLDER [PAGE ...]``.

Each command runs in the folder, with the seed that it names or else 0; `times.md` there says how long each took. The
page is README.md unless others are named. Processor time is summed over all cores.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

from rsbd.data import SOURCES, data_root

ROOT = Path(__file__).resolve().parents[1]


def commands(page: str) -> list[list[str]]:
    """Return the commands of a page that make figures or tables."""
    text = page.replace("\\\n", " ")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    found = [shlex.split(line, comments=True) for line in lines if re.match(r"rsbd (certify|compare)\b", line)]
    return [words for words in found if "--scheduler" not in words]


def placed(words: list[str], folder: Path) -> list[str]:
    """Return the command as this Python runs it, with its results in the folder."""
    if "--out" in words:
        at = words.index("--out")
        words = words[:at] + words[at + 2 :]
    return [sys.executable, "-m", *words, "--out", str(folder)]


def missing(words: list[str]) -> str:
    """Return why a command cannot run here, or nothing."""
    name = words[words.index("--dataset") + 1] if "--dataset" in words else "digits"
    return "" if name not in SOURCES or SOURCES[name].present(data_root()) else f"{name} is not here"


def processor() -> float:
    """Return the seconds of processor time that finished commands have used."""
    spent = os.times()
    return spent.children_user + spent.children_system


def main(folder: Path, pages: list[Path]) -> None:
    """Run the commands of all pages, and those of the figures, one after another."""
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [
        (["python", ".ci/overview.py"], [sys.executable, str(ROOT / ".ci" / "overview.py"), str(folder / "figures")])
    ]
    for page in pages:
        for words in commands(page.read_text("utf-8")):
            jobs.append((words, placed(words, folder / f"{page.stem.lower()}-{len(jobs)}")))
    lines = ["| command | seconds | of processor time | results |", "|---|---|---|---|"]
    for words, command in jobs:
        shown, began, used, result = f"`{shlex.join(words)}`", time.monotonic(), processor(), Path(command[-1])
        if reason := missing(words):
            lines.append(f"| {shown} | - | - | {reason} |")
        else:
            result.mkdir(parents=True, exist_ok=True)
            with (result / "output.txt").open("w") as output:
                run = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False)  # noqa: S603
            seconds = f"{time.monotonic() - began:.0f} | {processor() - used:.0f}"
            lines.append(
                f"| {shown} | {seconds} | {'failed, see ' if run.returncode else ''}{result.name}/output.txt |"
            )
        print(lines[-1], flush=True)
        (folder / "times.md").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), [Path(name) for name in sys.argv[2:]] or [ROOT / "README.md"])
