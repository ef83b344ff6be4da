"""Golden files: what code generates, kept in the repository, and compared with what it generates now.

``make golden`` writes them anew (``pytest -m golden --update-golden``); a stale one fails its test.
"""

from collections.abc import Callable

import pytest

from repository import ROOT

Golden = Callable[[str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files instead of comparing with them")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "golden" in getattr(item, "fixturenames", ()):
            item.add_marker("golden")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Return a comparison of the file at a path below the root with the text that it must hold."""

    def compare(path: str, text: str) -> None:
        file = ROOT / path
        if request.config.getoption("--update-golden"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        assert text == (file.read_text() if file.exists() else ""), f"{path} is stale: run make golden and look at it"

    return compare
