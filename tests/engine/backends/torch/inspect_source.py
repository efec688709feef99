"""What is known of exported Python text without running it, by its syntax tree.

Reads `{"files": [...]}` from stdin and writes one JSON object a file:
`duplicates`  pairs of classes that differ in constants or names only
`statements`  their number without docstrings
`lines`       those that hold code: neither empty nor docstring nor comment
`tree`        the syntax tree with constants and names masked
`names`       all names
`nodes`       kinds of nodes
`classes`     their names
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any


def without_docstrings(tree: ast.AST) -> ast.AST:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) or not node.body:
            continue
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body = node.body[1:]
    return tree


class Masked(ast.NodeTransformer):
    """Constants become their type."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:  # noqa: N802
        return ast.Constant(type(node.value).__name__)


def class_texts(tree: ast.AST, masked: bool) -> dict[str, str]:
    texts = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            copy = ast.parse(ast.unparse(node)).body[0]
            assert isinstance(copy, ast.ClassDef)
            copy.name = "C"
            without_docstrings(copy)
            texts[node.name] = ast.dump(Masked().visit(copy) if masked else copy)
    return texts


def duplicates(text: str) -> list[list[str]]:
    """Classes that are equal with masked constants; with names numbered too, so that a renamed copy shows."""
    found = []
    for texts in (class_texts(ast.parse(text), True), numbered_classes(text)):
        names = list(texts)
        found += [[a, b] for i, a in enumerate(names) for b in names[i + 1 :] if texts[a] == texts[b]]
    return found


def numbered_classes(text: str) -> dict[str, str]:
    tree = ast.parse(text)
    return {n.name: numbered_tree(n) for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name != "ModelOutput"}


FIXED = """
torch nn functional F math Tensor NamedTuple PathLike Iterable self super forward __init__ True False None Module Linear
LayerNorm Embedding Dropout ModuleList Parameter range dict str int float list tuple gelu relu silu tanh sigmoid
"""


def numbered_tree(node: ast.AST) -> str:
    """The tree with every name that is not PyTorch's or Python's numbered, and constants masked."""
    numbers: dict[str, str] = {}

    def number(name: str) -> str:
        return name if name in FIXED.split() else numbers.setdefault(name, f"n{len(numbers)}")

    copy = without_docstrings(ast.parse(ast.unparse(node)))
    for part in ast.walk(copy):
        for field in ("id", "name", "attr", "arg"):
            value = getattr(part, field, None)
            if isinstance(value, str):
                setattr(part, field, number(value))
    return ast.dump(Masked().visit(copy))


LIBRARIES = ("torch", "nn", "functional", "math", "self", "super")


def shape_of(node: ast.AST) -> str:
    """The tree with constants and all names masked, but for what is called of PyTorch."""
    copy = without_docstrings(ast.parse(ast.unparse(node)))
    for part in ast.walk(copy):
        for field in ("id", "name", "arg"):
            if getattr(part, field, None) not in (None, *LIBRARIES):
                setattr(part, field, "n")
        if not isinstance(part, ast.Attribute):
            continue
        if not (isinstance(part.value, ast.Name) and part.value.id in LIBRARIES[:4]):
            part.attr = "n"
    return ast.dump(Masked().visit(copy), indent=1)


def code_lines(text: str) -> int:
    documented: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            documented.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(text.splitlines(), start=1)
    return sum(i not in documented and not line.strip().startswith("#") and line.strip() != "" for i, line in lines)


def inspect(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    names, nodes = [], set()
    for node in ast.walk(tree):
        nodes.add(type(node).__name__)
        for field in ("id", "name", "attr", "arg"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                names.append(value)
    statements = sum(isinstance(n, ast.stmt) for n in ast.walk(without_docstrings(ast.parse(text))))
    return {
        "duplicates": duplicates(text),
        "statements": statements,
        "lines": code_lines(text),
        "tree": shape_of(tree),
        "names": sorted(set(names)),
        "nodes": sorted(nodes),
        "classes": [n.name for n in ast.walk(tree) if isinstance(n, ast.ClassDef)],
    }


if __name__ == "__main__":
    json.dump([inspect(Path(file)) for file in json.load(sys.stdin)["files"]], sys.stdout)
