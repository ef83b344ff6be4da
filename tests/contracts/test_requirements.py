"""What is installed: locked with hashes, from wherever pip is told to look, and each dependency for a stated reason."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from itertools import chain

import pytest

from repository import ROOT, modules, tracked_files

LOCKS = ("requirements.txt", "requirements-dev.txt")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
BASE = PROJECT["project"]["dependencies"]
DECLARED = [*BASE, *chain.from_iterable(EXTRAS.values()), *PROJECT["build-system"]["requires"]]


def canonical(requirement: str) -> str:
    """Return the distribution's name as registries compare it."""
    name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: str) -> dict[str, str]:
    """Return, by name, the whole entry of each requirement: version, hashes and comments."""
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text())[1:]
    return {canonical(entry): entry for entry in entries}


def imports(tree: ast.Module) -> Iterator[str]:
    """Yield the top-level name of every import, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_requirement_has_one_version_and_its_hashes(lock: str) -> None:
    form = re.compile(r"\S+==\S+ (; .+)?\\\n    --hash=sha256:[0-9a-f]{64}")

    assert [] == [name for name, entry in locked(lock).items() if not form.match(entry)]


def test_both_locks_hold_the_same_versions() -> None:
    worker, dev = (locked(lock) for lock in LOCKS)

    assert {name: dev.get(name, "").split(" ")[0] for name in worker} == {
        name: entry.split(" ")[0] for name, entry in worker.items()
    }


@pytest.mark.parametrize(
    ("lock", "declared"), [(LOCKS[0], [*BASE, *EXTRAS["worker"], "setuptools"]), (LOCKS[1], DECLARED)]
)
def test_a_lock_covers_what_is_declared(lock: str, declared: list[str]) -> None:
    assert set() == {canonical(requirement) for requirement in declared} - locked(lock).keys()


@pytest.mark.parametrize("path", [*LOCKS, "pyproject.toml", "Makefile", ".ci/run"])
def test_no_place_to_install_from_is_named(path: str) -> None:
    named = re.compile(r"://|index-url|find-links|trusted-host", re.IGNORECASE)
    options = re.compile(r"--no-emit-(index-url|find-links|trusted-host)")

    assert [] == named.findall(options.sub("", (ROOT / path).read_text()))


def test_no_tracked_text_names_a_path_of_one_machine() -> None:
    of_one_machine = re.compile(rb"(?<![\w.$}-])/(?:work|root|home)/|\.\./shared")
    # In a container, such paths are the container's own.
    paths = [path for path in tracked_files() if not path.startswith(("deploy/", "docker-compose"))]

    assert [] == [path for path in paths if of_one_machine.search((ROOT / path).read_bytes())]


def test_every_dependency_has_its_reason_and_licence_in_the_decisions_and_no_other_has() -> None:
    table = re.findall(
        r"^\| `([^`]+)` \|[^|]*\S[^|]*\|[^|]*\S[^|]*\|$", (ROOT / "docs/decisions.md").read_text(), re.MULTILINE
    )

    assert sorted({canonical(requirement) for requirement in DECLARED}) == sorted(map(canonical, table))


@pytest.mark.parametrize(
    ("packages", "declared"),
    [(("schemas", "agents/client"), BASE), (("streams", "agents", "console"), [*BASE, *EXTRAS["worker"]])],
)
def test_what_is_imported_is_declared(packages: tuple[str, ...], declared: list[str]) -> None:
    ours = {*sys.stdlib_module_names, "ragpulse"}
    used = {name for path, tree in modules() if path.startswith(packages) for name in imports(tree)} - ours
    distributions = packages_distributions()

    undeclared = {
        name
        for name in used
        if not {canonical(requirement) for requirement in declared}.intersection(map(canonical, distributions[name]))
    }
    assert set() == undeclared
