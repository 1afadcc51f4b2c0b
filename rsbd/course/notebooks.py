"""Where the notebooks are, and a copy of them that the user may change."""

from dataclasses import dataclass
from pathlib import Path

import rsbd
from rsbd.errors import InputError
from rsbd.files import try_to_write
from rsbd.words import count

FIRST = "00_start_here.ipynb"


def stored_course() -> tuple[Path, bool]:
    """Return the folder of the notebooks, and True if it belongs to a checkout, in which the user may work.

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
class CourseCopy:
    """A folder with the course, and what was done to it.

    Attributes
    ----------
    home : Path
        The folder, resolved.
    copied, kept : int
        Number of files that were copied now, and of files that existed before and stay as they are.
    """

    home: Path
    copied: int = 0
    kept: int = 0

    @property
    def sentence(self) -> str:
        """Return what the user is told.

        Examples
        --------
        >>> CourseCopy(Path("mine"), copied=12, kept=1).sentence
        'the course is in mine: 12 files copied, 1 existing file kept'
        >>> CourseCopy(Path("notebooks")).sentence
        'the course is in notebooks'
        """
        parts = ((self.copied, "file", "copied"), (self.kept, "existing file", "kept"))
        done = ", ".join(f"{count(number, what)} {verb}" for number, what, verb in parts if number)
        return f"the course is in {self.home}{': ' if done else ''}{done}"


def open_course(to: Path | None = None) -> CourseCopy:
    """Return a folder with the course that the user can write to.

    A checkout is used as it is unless ``to`` is given. The course of an installed package is copied to ``to``, or to
    ``rsbd-course`` in the working folder or else in the home folder. A file that exists is the user's work: it is
    never overwritten.

    Raises
    ------
    InputError
        If there are no notebooks, or they cannot be copied.
    """
    source, is_checkout = stored_course()
    if to is None and is_checkout:
        return CourseCopy(source)
    if to is not None and to.resolve().is_relative_to(source.resolve()):
        raise InputError(f"{to} is where the course itself is stored", "name a folder of your own with --course")
    tried = []
    for target in [to] if to is not None else [Path.cwd() / "rsbd-course", Path.home() / "rsbd-course"]:
        try:
            return _copy_new(source, target)
        except OSError as error:
            tried.append(f"{target} ({error.strerror})")
    what = f"the course cannot be copied to {' or to '.join(tried)}"
    raise InputError(what, "name a folder that you can write to with --course")


def _copy_new(source: Path, target: Path) -> CourseCopy:
    """Copy the files that do not exist yet; keep whatever has the name of one, even a broken link."""
    copied = kept = 0
    for file in sorted(source.rglob("*")):
        inside = file.relative_to(source)
        if file.is_dir() or any(part.startswith((".", "__")) for part in inside.parts):
            continue
        copy = target / inside
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            new = copy.open("xb")  # fails if anything has this name, and does not follow a link
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
        try_to_write(target)  # fail now, and not when the user saves for the first time
    return CourseCopy(target.resolve(), copied, kept)
