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
        'the course is in mine: 12 files copied, 1 file that was there kept as it is'
        >>> CourseCopy(Path("notebooks")).sentence
        'the course is in notebooks'
        """
        if not self.copied and not self.kept:
            return f"the course is in {self.home}"
        said = f"{count(self.copied, 'file')} copied" if self.copied else "nothing to copy"
        if self.kept:
            verb, rest = ("was", "it is") if self.kept == 1 else ("were", "they are")
            said += f", {count(self.kept, 'file')} that {verb} there kept as {rest}"
        return f"the course is in {self.home}: {said}"


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
    if to is not None:
        return _copy_to(source, to)
    if is_checkout:
        return CourseCopy(source)
    tried = [Path.cwd() / "rsbd-course", Path.home() / "rsbd-course"]
    for target in tried:
        try:
            return _copy_new(source, target)
        except OSError:
            continue
    what = f"the course cannot be copied to {' or '.join(map(str, tried))}"
    raise InputError(what, "name a folder that you can write to with --course")


def _copy_to(source: Path, to: Path) -> CourseCopy:
    if to.resolve().is_relative_to(source.resolve()):
        raise InputError(f"{to} is where the course itself is stored", "name a folder of your own with --course")
    try:
        return _copy_new(source, to)
    except (FileExistsError, NotADirectoryError) as error:
        blocked = Path(error.filename or to)
        file = next(path for path in (*reversed(blocked.parents), blocked) if not path.is_dir())
        what = f"{file} is no folder, so the course cannot be copied to {to}"
        raise InputError(what, "name another folder with --course") from None
    except OSError as error:
        what = f"the course cannot be copied to {to} ({error.strerror})"
        raise InputError(what, "name a folder that you can write to with --course") from None


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
