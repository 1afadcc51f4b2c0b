"""The order of the course, as the table at the end of its first notebook tells it."""

import re
from dataclasses import dataclass
from html import unescape

_ROW = re.compile(r"^\| \[([^\]]+)\]\((\w+)\.ipynb\) \| ([^|]+) \|$", re.MULTILINE)
_WAY = re.compile(r"\*\*(Previous|Next):\*\* \[([^\]]+)\]\((\w+)\.ipynb\)")


@dataclass(frozen=True)
class Lesson:
    """A notebook: its name in the table, the stem of its file, and the question that it answers."""

    name: str
    stem: str
    question: str


def roads(table: str) -> dict[str, list[Lesson]]:
    r"""Return the lessons of the main road and of the side roads.

    Examples
    --------
    >>> roads("| main road | question |\n| [00 Start](00_start.ipynb) | What? |\n| side road | take it if |")
    {'Main road': [Lesson(name='00 Start', stem='00_start', question='What?')], 'Side roads': []}
    """
    main, _, side = table.partition("| side road")
    return {
        road: [Lesson(*row) for row in _ROW.findall(part)] for road, part in (("Main road", main), ("Side roads", side))
    }


def ways(last_cell: str) -> list[tuple[str, str, str]]:
    """Return the way back and the way on from a notebook, each as word, name and page.

    Examples
    --------
    >>> ways("**Next:** [01 Attacks](01_attacks.ipynb)")
    [('next', '01 Attacks', '01_attacks.html')]
    """
    return [(word.lower(), name, f"{stem}.html") for word, name, stem in _WAY.findall(last_cell)]


def sections(page: str, lesson: str, html: str) -> list[list[str]]:
    """Return what a search finds of a page: address, lesson, heading and text of each section.

    Examples
    --------
    >>> sections("a.html", "A", '<h1 id="t">Title</h1><p>one &amp; <b>two</b></p><h2 id="x">More</h2><p>three</p>')
    [['a.html#t', 'A', 'Title', 'one & two'], ['a.html#x', 'A', 'More', 'three']]
    """
    parts = re.split(r'<h[123] id="([^"]*)">(.*?)</h[123]>', html, flags=re.DOTALL)
    return [
        [f"{page}#{name}", lesson, _plain(title), _plain(text)]
        for name, title, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    ]


def _plain(html: str) -> str:
    kept = re.sub(r"<(script|pre|svg|style|details|aside|section)\b.*?</\1>|<[^>]*>", " ", html, flags=re.DOTALL)
    return re.sub(r" (?=[,.;:])", "", " ".join(unescape(kept).split()))
