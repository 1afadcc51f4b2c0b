"""Where the notebooks are, and a copy of them that the user may change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import rsbd
from rsbd.errors import InputError
from rsbd.files import try_to_write

FIRST = "00_start_here.ipynb"


def stored() -> tuple[Path, bool]:
    """Return the folder of the notebooks, and whether it is a checkout that may be worked in.

    Raises
    ------
    InputError
        If this installation has no notebooks.
    """
    package = Path(rsbd.__file__).resolve().parent
    checkout = package.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "notebooks" / FIRST).is_file():
        return checkout / "notebooks", True
    if (package / "_course" / FIRST).is_file():
        return package / "_course", False
    raise InputError(f"this installation of rsbd in {package} has no notebooks", "install it again with pip")


@dataclass(frozen=True)
class Copy:
    """A folder with the course, and what was done to it.

    Attributes
    ----------
    home : Path
        The folder, resolved.
    copied, kept : int
        Files that were put there now, and files of the same name that were there before and are as they were.
    """

    home: Path
    copied: int = 0
    kept: int = 0

    @property
    def sentence(self) -> str:
        """What a user wants to know.

        Examples
        --------
        >>> Copy(Path("mine"), copied=12, kept=1).sentence
        'the course is in mine: 12 files copied, 1 file that was there kept as it is'
        >>> Copy(Path("notebooks")).sentence
        'the course is in notebooks'
        """
        if not self.copied and not self.kept:
            return f"the course is in {self.home}"
        said = [f"{_files(self.copied)} copied"] if self.copied or not self.kept else ["nothing to copy"]
        if self.kept:
            said.append(f"{_files(self.kept)} that {'was' if self.kept == 1 else 'were'} there kept as ")
            said[-1] += "it is" if self.kept == 1 else "they are"
        return f"the course is in {self.home}: {', '.join(said)}"


def _files(number: int) -> str:
    return f"{number} file{'' if number == 1 else 's'}"


def folder(to: Path | None = None) -> Copy:
    """Return a folder with the course that the user can write to.

    A checkout is used as it is unless ``to`` is given. The course of an installed package is copied, to ``to``, or to
    ``rsbd-course`` in the working folder or else the home folder. What is there already is the user's work: it is
    never overwritten.

    Raises
    ------
    InputError
        If there are no notebooks, or they cannot be copied where they should go.
    """
    source, is_checkout = stored()
    if to is not None:
        return _given(source, to)
    if is_checkout:
        return Copy(source)
    tried = [Path.cwd() / "rsbd-course", Path.home() / "rsbd-course"]
    for target in tried:
        try:
            return _copy_new(source, target)
        except OSError:
            continue
    raise InputError(
        f"the course cannot be copied to {' or '.join(map(str, tried))}",
        "name a folder that you can write to with --course",
    )


def _given(source: Path, to: Path) -> Copy:
    if to.resolve().is_relative_to(source.resolve()):
        raise InputError(f"{to} is where the course itself is stored", "name a folder of your own with --course")
    try:
        return _copy_new(source, to)
    except (FileExistsError, NotADirectoryError) as error:
        blocked = Path(error.filename or to)
        what = next(p for p in (*reversed(blocked.parents), blocked) if not p.is_dir())
        raise InputError(
            f"{what} is no folder, so the course cannot be copied to {to}", "name another folder with --course"
        ) from None
    except OSError as error:
        raise InputError(
            f"the course cannot be copied to {to} ({error.strerror})",
            "name a folder that you can write to with --course",
        ) from None


def _copy_new(source: Path, target: Path) -> Copy:
    """Copy what is not there yet; a name that is taken by anything at all, a broken link too, is kept."""
    copied = kept = 0
    for file in sorted(source.rglob("*")):
        inside = file.relative_to(source)
        if file.is_dir() or any(part.startswith((".", "__")) for part in inside.parts):
            continue
        copy = target / inside
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            new = copy.open("xb")  # fails where something is, and does not follow a link
        except FileExistsError:
            kept += 1
            continue
        try:
            with new:
                new.write(file.read_bytes())
        except BaseException:  # half a notebook would be kept for ever
            copy.unlink()
            raise
        copied += 1
    if not copied:
        try_to_write(target)  # found out now, not when the user saves for the first time
    return Copy(target.resolve(), copied, kept)
