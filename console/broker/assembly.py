"""Kafka from its Maven artifacts: downloaded once, checked against known digests, kept in the user's cache."""

import csv
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from ragpulse.console.broker import errors
from ragpulse.console.broker.diagnosis import Cause, known_cause, telling_line
from ragpulse.console.broker.locks import locked
from ragpulse.console.broker.places import default_cache_dir
from ragpulse.console.broker.space import disk_full, require_space
from ragpulse.streams.topology import KAFKA_VERSION

_POM = Path(__file__).with_name("pom.xml")
_EXPECTED = Path(__file__).with_name("jars.csv")
_COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.6.0:copy-dependencies"
_DOWNLOAD_SECONDS = 900
_NEEDED_MEGABYTES = 150  # 38 MB of jars in the cache, and in Maven's repository with its plugins


def assembled_jars(say: Callable[[str], None], cache_dir: Path | None = None) -> Path:
    """Return the folder with Kafka's jars; filled first if need be, by one process while others wait."""
    cache = cache_dir or default_cache_dir()
    # The digest of the list names the folder: a later list never changes jars under a running broker.
    jars = cache / f"jars-{hashlib.sha256(_EXPECTED.read_bytes()).hexdigest()[:12]}"
    if jars.is_dir():
        return jars
    with locked(cache / "assembly.lock"):
        if not jars.is_dir():
            _assemble(jars, say)
    return jars


def _assemble(jars: Path, say: Callable[[str], None]) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise errors.maven_missing()
    require_space(jars.parent, _NEEDED_MEGABYTES, "XDG_CACHE_HOME")
    say(f"Downloading Apache Kafka {KAFKA_VERSION} with Maven into {jars.parent} (once, 38 MB).")
    # Below the cache, so that the rename stays within one file system and is atomic.
    with tempfile.TemporaryDirectory(prefix="assembling-", dir=jars.parent) as temporary:
        project = Path(shutil.copy(_POM, temporary)).parent
        complete = project / "jars"
        _download(maven, project, complete)
        _check(complete)
        complete.rename(jars)


def _download(maven: str, project: Path, target: Path) -> None:
    options = ["--batch-mode", "--strict-checksums", "-Dstyle.color=never", "-DincludeScope=runtime"]
    command = [maven, *options, "-f", str(project / "pom.xml"), _COPY_GOAL, f"-DoutputDirectory={target}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_DOWNLOAD_SECONDS)  # noqa: S603 - the user's own Maven
    except subprocess.TimeoutExpired as error:
        raise errors.download_timed_out(_DOWNLOAD_SECONDS) from error
    if done.returncode:
        raise _failure(done.stdout + done.stderr, target.parents[1])


def _failure(text: str, cache: Path) -> errors.BrokerError:
    if known_cause(text) is Cause.DISK_FULL:
        return disk_full(cache, _NEEDED_MEGABYTES, "XDG_CACHE_HOME")
    return errors.download_failed(telling_line(text))


def _check(folder: Path) -> None:
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in folder.glob("*.jar")}
    different = found.items() ^ expected_digests().items()
    if different:
        raise errors.jars_differ(", ".join(sorted({name for name, _ in different})))


def expected_digests() -> dict[str, str]:
    """Name and SHA-256 of each jar this version of ragpulse was tested with."""
    with _EXPECTED.open(newline="", encoding="ascii") as table:
        return {row["jar"]: row["sha256"] for row in csv.DictReader(table)}
