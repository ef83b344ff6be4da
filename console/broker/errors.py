"""What can go wrong with the embedded broker: one exception, one sentence a failure, each saying what to do next."""

from pathlib import Path

from ragpulse.schemas.errors import RagpulseError

USAGE = 64
UNAVAILABLE = 69
TEMPORARY = 75
CONFIGURATION = 78


class BrokerError(RagpulseError):
    """The embedded broker cannot do what was asked; `exit_code` is what the command line exits with."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def java_missing() -> BrokerError:
    """No `java` where JAVA_HOME or the PATH points to."""
    return BrokerError(
        "Java was not found: install Java 17 or newer (Debian: `apt-get install openjdk-17-jre-headless`), "
        "or set JAVA_HOME.",
        CONFIGURATION,
    )


def java_too_old(executable: str, found: str, needed: int) -> BrokerError:
    """Found a `java` that Kafka cannot run on."""
    return BrokerError(
        f"{executable} is Java {found}, Kafka needs {needed} or newer: "
        "install one and put it on the PATH, or set JAVA_HOME.",
        CONFIGURATION,
    )


def maven_missing() -> BrokerError:
    """No `mvn`, and Kafka's jars are not in the cache yet."""
    return BrokerError(
        "Maven (`mvn`) was not found and is needed once, to download Kafka: install it "
        "(Debian: `apt-get install maven`), or set RAGPULSE_KAFKA__BOOTSTRAP_SERVERS to use a broker you already have.",
        CONFIGURATION,
    )


def download_failed(line: str) -> BrokerError:
    """Maven ended without all the jars."""
    return BrokerError(
        f"Maven could not download Kafka ({line}): "
        "check the network and Maven's settings.xml, then run the command again.",
        TEMPORARY,
    )


def download_timed_out(seconds: int) -> BrokerError:
    """Maven hangs."""
    return download_failed(f"it had not ended after {seconds} s")


def jars_differ(names: str) -> BrokerError:
    """Maven delivered something else than what this version of ragpulse was tested with."""
    return BrokerError(
        f"Kafka's jars are not the expected ones ({names}): remove them from Maven's local repository "
        "(~/.m2/repository), check the mirror in Maven's settings.xml, then run the command again.",
        CONFIGURATION,
    )


def invalid_port(port: int) -> BrokerError:
    """Reject a number no broker can listen on."""
    return BrokerError(f"Port {port} is not between 1 and 65535: choose another with --port.", USAGE)


def port_taken(port: int) -> BrokerError:
    """Say that the port that was asked for by number is in use."""
    return BrokerError(
        f"Port {port} is in use by another process: stop that process, choose another --port, "
        "or leave --port out to take a free one.",
        TEMPORARY,
    )


def disk_full(folder: Path, free_megabytes: int, needed_megabytes: int, variable: str) -> BrokerError:
    """Too little space to run Kafka, before the start or found out by Kafka itself."""
    return BrokerError(
        f"The disk is full: {folder} has {free_megabytes} MB free and Kafka needs {needed_megabytes} MB; "
        f"free some space, or set {variable} to a folder with more.",
        TEMPORARY,
    )


def folder_unusable(folder: Path, reason: str) -> BrokerError:
    """Say that a folder the broker keeps things in cannot be written."""
    return BrokerError(
        f"{folder} cannot be written ({reason}): correct its permissions, or choose another folder with "
        "RAGPULSE_STATE_DIR (state) or XDG_CACHE_HOME (cache).",
        CONFIGURATION,
    )


def data_in_use(folder: Path) -> BrokerError:
    """Another Kafka process holds the data directory, and broker.json does not name it."""
    return BrokerError(
        f"Another Kafka process is using {folder}: stop it "
        f"(`pgrep -f {folder.parent}/` shows its pid), then start again.",
        TEMPORARY,
    )


def died_starting(line: str, log_file: Path | None) -> BrokerError:
    """Kafka ended before it answered; `line` is what it said about it."""
    where = f"read {log_file}, " if log_file else ""
    return BrokerError(f"Kafka stopped while starting: {line}; {where}correct the cause and start again.", UNAVAILABLE)


def not_answering(bootstrap_servers: str, seconds: float, log_file: Path | None) -> BrokerError:
    """Kafka runs but gave no answer before the deadline."""
    where = f"read {log_file}, or " if log_file else ""
    return BrokerError(
        f"Kafka did not answer at {bootstrap_servers} within {seconds:.0f} s and was stopped: {where}start again "
        "when the machine is less busy.",
        UNAVAILABLE,
    )


def runs_differently(bootstrap_servers: str) -> BrokerError:
    """Say that a broker runs already, with other options than those asked for."""
    return BrokerError(
        f"A broker already runs at {bootstrap_servers} with other options: stop it with `ragpulse broker stop`, "
        "then start again.",
        USAGE,
    )


def not_stopping(pid: int) -> BrokerError:
    """Tell of a process that outlived SIGKILL: not ours to end, or stuck in the kernel."""
    return BrokerError(f"Process {pid} could not be ended: check it with `ps -fp {pid}` and end it by hand.", TEMPORARY)
