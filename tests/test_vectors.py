"""Check that some test reproduces every family of reference values."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

VECTORS = os.environ.get("RSBD_VECTORS")
HERE = Path(__file__).parent


@pytest.mark.skipif(not VECTORS, reason="RSBD_VECTORS names no folder with reference values")
@pytest.mark.parametrize(("file", "least"), [("papers.json", 4), ("discrete.json", 4), ("triggers.json", 2)])
def test_every_family_has_a_test(file: str, least: int) -> None:
    families = set(json.loads((Path(str(VECTORS)) / file).read_text())) - {"meta"}
    tests = [path.read_text("utf-8") for path in HERE.rglob("test_*.py") if path != Path(__file__)]
    using = [text for text in tests if file in text]
    assert len(families) >= least
    assert [f for f in sorted(families) if not any(f'"{f}"' in text for text in using)] == []
