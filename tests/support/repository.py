"""The repository as its tests see it: tracked files, and the code of the packages."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("schemas", "streams", "agents", "console")


def git(*arguments: str) -> bytes:
    """Return the output of a git command run at the root."""
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout


def tracked_files(*under: str) -> list[str]:
    """Return the paths of HEAD's files, below the given folders or everywhere, relative to the root."""
    return git("ls-tree", "-r", "-z", "--name-only", "HEAD", "--", *under).decode().split("\0")[:-1]


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Yield the path and the syntax tree of each module of the packages."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())
