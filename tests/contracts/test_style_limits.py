"""Sizes: past these a reader loses the thread. Functions without their docstring, modules whole."""

import ast

from repository import ROOT, modules

LONGEST_FUNCTION = 40
LONGEST_MODULE = 300


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[1 if ast.get_docstring(function) is not None and len(function.body) > 1 else 0]
    return (function.end_lineno or 0) - first.lineno + 1


def test_no_function_is_longer_than_a_screen() -> None:
    lengths = {
        f"{path}:{node.lineno} {node.name}": length(node)
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert {} == {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION}


def test_no_module_is_longer_than_a_sitting() -> None:
    lengths = {path: len((ROOT / path).read_text().splitlines()) for path, _ in modules()}

    assert {} == {path: lines for path, lines in lengths.items() if lines > LONGEST_MODULE}
