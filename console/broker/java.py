"""Finding a Java that can run Kafka, and the command line it is run with."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from ragpulse.console.broker import errors
from ragpulse.console.broker.places import Workspace

OLDEST_JAVA = 17  # Kafka 4's server jars are compiled for it

# Measured on two cores, from nothing to a broker that answers: 3.5 s with Java's defaults, 2.3 s with these.
# (A class-data archive would give 1.4 s, for 50 MB and 5 s more at assembly.)
_JVM_FLAGS = (
    "-Xms64m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
)


def find_java() -> str:
    """Return the `java` executable of JAVA_HOME or the PATH, once it is known to be new enough."""
    home = os.environ.get("JAVA_HOME")
    executable = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if executable is None:
        raise errors.java_missing()
    version = _version(executable)
    if _major(version) < OLDEST_JAVA:
        raise errors.java_too_old(executable, version, OLDEST_JAVA)
    return executable


def java_command(java: str, jars: Path, workspace: Workspace) -> list[str]:
    """Everything before the main class."""
    return [
        java,
        *_JVM_FLAGS,
        f"-XX:ErrorFile={workspace.root}/java-crash.log",
        f"-Djava.io.tmpdir={workspace.scratch_dir}",
        f"-Dlog4j2.configurationFile={Path(__file__).with_name('log4j2.xml')}",
        f"-Dragpulse.log={workspace.log_file}",
        "-cp",
        f"{jars}/*",
    ]


def _version(executable: str) -> str:
    answer = subprocess.run([executable, "-version"], capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 - the user's own Java
    found = re.search(r'version "([^"]+)"', answer.stderr + answer.stdout)
    if found is None:  # such as macOS' stub, which only says that no Java is installed
        raise errors.java_missing()
    return found[1]


def _major(version: str) -> int:
    first, *rest = re.findall(r"\d+", version)
    return int(rest[0] if first == "1" and rest else first)  # up to Java 8 the version began with "1."
