"""What gets into the wheel: setuptools leaves out an unlisted sub-package, and takes deleted modules, without a word."""

import subprocess
import sys
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from repository import FOLDERS, git, tracked_files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("tree")
    ZipFile(BytesIO(git("archive", "--format=zip", "HEAD"))).extractall(tree)
    wheels = tmp_path_factory.mktemp("wheels")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--wheel-dir", wheels, tree], check=True)
    return next(wheels.glob("*.whl"))


def in_wheel(tracked: str) -> str:
    return "ragpulse/" + tracked.removeprefix("agents/" if tracked.startswith("agents/client/") else "")


def test_the_wheel_holds_every_tracked_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    expected = sorted(in_wheel(path) for path in tracked_files(*FOLDERS))

    actual = sorted(name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name)

    assert expected == actual


def test_the_wheel_takes_no_top_level_name_but_its_own(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in ZipFile(wheel).namelist()}

    assert {"ragpulse", "ragpulse-0.1.0.dist-info"} == tops


def test_every_package_tells_type_checkers_that_it_is_typed() -> None:
    paths = tracked_files(*FOLDERS)
    packages = {str(Path(path).parent) for path in paths if path.endswith(".py")}

    assert set() == packages - {str(Path(path).parent) for path in paths if path.endswith("py.typed")}
