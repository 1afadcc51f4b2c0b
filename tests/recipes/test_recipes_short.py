"""Each paper's method is so short that a student can follow it from the data to the theorem."""

from __future__ import annotations

import ast
import inspect
import textwrap

import pytest

from rsbd import recipes

MOST = 20  # lines of a body, without its docstring
# `compare` is a comparison of the papers, and not one of them.
PAPERS = sorted({name for name, _ in inspect.getmembers(recipes, inspect.isfunction)} - {"compare"})


@pytest.mark.parametrize("name", PAPERS)
def test_a_recipe_has_at_most_twenty_lines_and_a_source(name: str) -> None:
    recipe = getattr(recipes, name)
    (function,) = ast.parse(textwrap.dedent(inspect.getsource(recipe))).body
    assert isinstance(function, ast.FunctionDef)
    docstring, *body = function.body
    assert isinstance(docstring, ast.Expr)
    assert body[-1].end_lineno is not None
    assert body[-1].end_lineno - body[0].lineno < MOST
    assert sum(isinstance(node, ast.stmt) for part in body for node in ast.walk(part)) <= MOST
    assert "Guarantee" in recipe.__doc__ or name == "certified_confidence"
    assert "References" in recipe.__doc__ or name == "certified_confidence"  # no paper has it
