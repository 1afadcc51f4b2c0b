"""What panels say: each template is used, and the numbers in it are written as everywhere."""

import importlib
import tomllib
from pathlib import Path

import pytest

from rsbd import panels
from rsbd.panels import PANELS
from rsbd.panels.controls import Choice, controls_of
from rsbd.words import phrases_of

FOLDER = Path(panels.__file__).parent


@pytest.mark.parametrize("name", sorted(PANELS))
def test_every_template_is_used(name: str) -> None:
    """By its name in quotes, or by the name of an option of the panel, such as a noise."""
    source = (FOLDER / name / "__init__.py").read_text("utf-8")
    params = vars(importlib.import_module(f"rsbd.panels.{name}.compute"))[f"{name.title().replace('_', '')}Params"]
    choices = [control for control in controls_of(params) if isinstance(control, Choice)]
    options = {value for choice in choices for _, value in choice.options}
    table = tomllib.loads((FOLDER / name / "words.toml").read_text("utf-8"))
    templates = [case for case, text in table.items() if isinstance(text, str)]  # not what a reader chooses from
    assert {"alt"} < set(templates)
    assert [case for case in templates if f'"{case}"' not in source and case.split("_")[0] not in options] == []


def test_numbers_are_written_as_everywhere(tmp_path: Path) -> None:
    said = "{rows:count row}, {share:percent}, {radius:down 3} or {radius:down}, {alpha:confidence}, {rows:,}"
    (tmp_path / "words.toml").write_text(f'alt = "{said}"')
    told = phrases_of(str(tmp_path / "panel.py"))("alt", rows=1200, share=0.999, radius=0.5678, alpha=0.01)
    assert told == "1,200 rows, > 99 %, 0.567 or 0.56, 0.99, 1,200"
