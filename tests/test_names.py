"""Names and places that a newcomer relies on: one name for one thing, few loose modules, two modules a panel."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path
from types import FunctionType

import rsbd
from rsbd import audit, certify, cli, panels, plots, recipes

PACKAGE = Path(rsbd.__file__).parent
MOST_LOOSE = 8
MOST_FILES_OF_A_PANEL = 2
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@cache
def modules() -> dict[str, ast.Module]:
    """Return the parsed source of every module of the package, by its dotted name."""
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(("rsbd", *file.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
        found[name] = ast.parse(file.read_text("utf-8"))
    return found


def doors() -> set[tuple[str, str]]:
    """Return module and name of every command, panel and plot: these may have the name of what they show."""
    groups = [cli.app, *(group.typer_instance for group in cli.app.registered_groups)]
    commands = [command.callback for group in groups if group for command in group.registered_commands]
    drawn = [thing for thing in vars(plots).values() if isinstance(thing, FunctionType)]
    functions = [*commands, *panels.PANELS.values(), *drawn]
    return {(function.__module__, function.__name__) for function in functions if function}


def test_no_two_public_things_have_one_name() -> None:
    homes: dict[str, set[str]] = defaultdict(set)  # overloads define one function several times
    for module, tree in modules().items():
        for node in tree.body:
            if isinstance(node, DEFINITIONS) and not node.name.startswith("_") and (module, node.name) not in doors():
                homes[node.name].add(module)
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_a_command_panel_or_plot_shares_its_name_only_with_what_it_shows() -> None:
    named = {name for _, name in doors()}
    offered = {name for module in (rsbd, recipes, certify, audit) for name in getattr(module, "__all__", vars(module))}
    for module, tree in modules().items():
        for node in tree.body:
            if isinstance(node, DEFINITIONS) and node.name in named and (module, node.name) not in doors():
                assert node.name in offered, f"{module}.{node.name} has the name of a command, a panel or a plot"


def test_array_types_have_one_name() -> None:
    def array_types(tree: ast.Module) -> dict[str, str]:
        return {
            ast.unparse(node.value).replace("npt.", ""): ast.unparse(node.targets[0])
            for node in tree.body
            if isinstance(node, ast.Assign)
            if isinstance(node.value, (ast.Subscript, ast.BinOp)) and "NDArray[" in ast.unparse(node.value)
        }

    known = array_types(modules()["rsbd.types"])
    assert known
    for module, tree in modules().items():
        again = {name for name in array_types(tree) if name in known and module != "rsbd.types"}
        assert again == set(), f"{module}: import {', '.join(known[name] for name in again)} from rsbd.types"


def test_few_modules_lie_beside_the_packages() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= MOST_LOOSE


def test_a_panel_has_at_most_two_modules() -> None:
    folders = [path for path in (PACKAGE / "panels").iterdir() if (path / "__init__.py").exists()]
    assert len(folders) > 5
    for folder in folders:
        assert len(list(folder.glob("*.py"))) <= MOST_FILES_OF_A_PANEL, folder.name
