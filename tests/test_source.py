"""The source never runs text as code, never unpickles, starts no shell and connects to no other machine."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from copies import run_copy

PACKAGE = Path(__file__).resolve().parents[1] / "rsbd"
FILES = sorted(PACKAGE.rglob("*.py"))
CALLS = {"eval", "exec", "compile", "__import__", "breakpoint"}
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "pty", "commands"}
SHELLS = {("os", "system"), ("os", "popen"), ("subprocess", "getoutput"), ("subprocess", "getstatusoutput")}
NETWORK = {"urllib", "http", "requests", "httpx", "aiohttp", "ftplib", "smtplib", "ssl", "telnetlib"}


def offences(tree: ast.AST) -> Iterator[str]:
    """Yield every forbidden import or call in a piece of source, with its line."""
    for node in ast.walk(tree):
        where = f"line {getattr(node, 'lineno', 0)}"
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
            if any((node.module, alias.name) in SHELLS for alias in node.names):
                yield f"{where}: a shell"
        yield from (f"{where}: imports {name}" for name in names if name.split(".")[0] in MODULES | NETWORK)
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in CALLS:
                yield f"{where}: calls {called.id}"
            if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
                if (called.value.id, called.attr) in SHELLS:
                    yield f"{where}: a shell"
                if (called.value.id, called.attr) == ("torch", "load"):
                    yield f"{where}: torch.load unpickles"
            for keyword in node.keywords:
                given = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
                if keyword.arg in ("shell", "allow_pickle") and not given:
                    yield f"{where}: {keyword.arg}"


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PACKAGE)) for path in FILES])
def test_no_code_from_text_no_pickle_no_shell_no_network(path: Path) -> None:
    assert list(offences(ast.parse(path.read_text("utf-8")))) == []


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')", "exec(text)", "import pickle", "from pickle import load", "import os\nos.system('x')",
        "subprocess.run('x', shell=True)", "np.load(p, allow_pickle=True)", "torch.load(p)", "import urllib.request",
        "from os import system", "np.load(p, allow_pickle=flag)",
    ],
)  # fmt: skip
def test_every_kind_of_offence_is_found(source: str) -> None:
    assert list(offences(ast.parse(source)))


@pytest.mark.slow
def test_no_connection_is_tried() -> None:
    """An experiment and a panel run where every connection would raise an error."""
    code = """
import socket, sys
def forbidden(*arguments, **_):
    raise AssertionError(f"a connection was tried: {arguments[1:]}")
for name in ("connect", "connect_ex", "sendto", "bind"):
    setattr(socket.socket, name, forbidden)
socket.getaddrinfo = socket.create_connection = forbidden
from typer.testing import CliRunner
from rsbd.cli import app
small = ["--rows", "30", "--points", "10", "--models", "8"]
for words in (["certify", *small], ["data"], ["--version"]):
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 0, (answer.output, answer.exception)
from rsbd.panels import SyncRunner, backdoor
backdoor(num_models=100, runner=SyncRunner()).wait()
"""
    answer = run_copy(code)
    assert answer.returncode == 0, answer.stderr


def test_the_server_does_not_ask_for_news() -> None:
    text = (PACKAGE / "cli" / "lab.py").read_text("utf-8")
    assert "--LabApp.news_url=None" in text
    assert "NeverCheckForUpdate" in text
