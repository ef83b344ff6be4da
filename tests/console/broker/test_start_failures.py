"""Each way a start can fail ends in one sentence that says what to do, the right exit code, and nothing left running."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_programs import Executable
from ragpulse.console.broker import BrokerError, RunningBroker, ports, start_broker, stop_broker
from ragpulse.console.broker.process import is_alive
from ragpulse.console.broker.record import broker_file, write_broker_file

JAVA_THAT_NEVER_ANSWERS = """
case "$*" in
  -version) echo 'openjdk version "17.0.1"' >&2 ;;
  *kafka.Kafka*) echo $$ > "$(dirname "$0")/pid"; while :; do sleep 0.1; done ;;
esac
"""
JAVA_THAT_FINDS_THE_PORT_TAKEN = """
case "$*" in
  -version) echo 'openjdk version "17.0.1"' >&2 ;;
  *kafka.Kafka*) echo 'Socket server failed to bind to 127.0.0.1:1: Address already in use.'; exit 1 ;;
esac
"""


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run([mount, "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], check=False).returncode
    ):
        pytest.skip("a small file system cannot be mounted here (needs root and the right to mount)")
    yield folder
    stop_broker(folder / "state")
    subprocess.run(["umount", folder], check=True)


def failure(state_dir: Path, **options: object) -> BrokerError:
    with pytest.raises(BrokerError) as caught:
        start_broker(state_dir, **options)  # type: ignore[arg-type]
    assert not broker_file(state_dir).exists()
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.usefixtures("only_these_programs")
def test_java_missing(tmp_path: Path) -> None:
    error = failure(tmp_path)

    assert "Java was not found: install Java 17 or newer" in str(error)
    assert error.exit_code == 78


@pytest.mark.usefixtures("only_these_programs")
def test_java_too_old(tmp_path: Path, executable: Executable) -> None:
    java = executable("java", """echo 'java version "1.8.0_412"' >&2""")
    error = failure(tmp_path)

    assert str(error).startswith(f"{java} is Java 1.8.0_412, Kafka needs 17 or newer")
    assert error.exit_code == 78


@pytest.mark.usefixtures("only_these_programs")
def test_a_java_that_only_says_it_is_not_installed(tmp_path: Path, executable: Executable) -> None:
    executable("java", "echo 'Unable to locate a Java Runtime.' >&2; exit 1")

    assert "Java was not found" in str(failure(tmp_path))


@pytest.mark.usefixtures("only_these_programs")
def test_the_java_of_java_home_comes_first(
    tmp_path: Path, executable: Executable, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable("java", """echo 'openjdk version "11.0.2"' >&2""")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", os.devnull)

    assert "is Java 11.0.2" in str(failure(tmp_path))


def test_an_impossible_port(tmp_path: Path) -> None:
    error = failure(tmp_path, port=70_000)

    assert "is not between 1 and 65535" in str(error)
    assert error.exit_code == 64


def test_a_taken_port_that_was_asked_for(tmp_path: Path, taken_port: int) -> None:
    error = failure(tmp_path, port=taken_port)

    assert str(error).startswith(f"Port {taken_port} is in use by another process: stop that process")
    assert error.exit_code == 75


@pytest.mark.usefixtures("only_these_programs")
def test_a_port_taken_between_our_look_and_kafkas(tmp_path: Path, executable: Executable) -> None:
    executable("java", JAVA_THAT_FINDS_THE_PORT_TAKEN)
    asked = ports.free_port()

    assert f"Port {asked} is in use" in str(failure(tmp_path, port=asked))


def test_a_taken_preferred_port_is_replaced_by_a_free_one(taken_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "PREFERRED_PORT", taken_port)

    assert ports.broker_port(None) != taken_port


def test_a_lost_race_for_a_free_port_is_run_again_with_another(
    tmp_path: Path, only_these_programs: Path, executable: Executable
) -> None:
    executable("java", JAVA_THAT_FINDS_THE_PORT_TAKEN.replace("exit 1", "echo >> $(dirname $0)/races; exit 1"))
    error = failure(tmp_path)

    assert "Address already in use" in str(error)
    assert error.exit_code == 69
    assert (only_these_programs / "races").read_text() == "\n\n\n"


def test_a_full_disk_is_noticed_before_the_start(small_disk: Path) -> None:
    error = failure(small_disk / "state")

    assert str(error).startswith(
        f"The disk is full: {small_disk}/state has 0 MB free and Kafka needs 256 MB; free some"
    )
    assert error.exit_code == 75


@pytest.mark.parametrize("left_kilobytes", [0, 20])
def test_a_disk_that_fills_up_during_the_start_is_recognised(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, left_kilobytes: int
) -> None:
    (small_disk / "state").mkdir()
    (small_disk / "filler").write_bytes(bytes((248 - left_kilobytes) << 10))
    monkeypatch.setattr("ragpulse.console.broker.lifecycle.BROKER_MEGABYTES", 0)
    error = failure(small_disk / "state")

    assert str(error).startswith("The disk is full: ")
    assert error.exit_code == 75


def test_a_setting_kafka_rejects_is_quoted(tmp_path: Path) -> None:
    error = failure(tmp_path, properties={"num.io.threads": "many"})

    assert "Invalid value many for configuration num.io.threads" in str(error)
    assert error.exit_code == 69


def test_kafkas_reason_to_stop_while_starting_is_quoted(tmp_path: Path) -> None:
    data = tmp_path / "kafka" / "data"
    data.mkdir(parents=True)
    (data / "meta.properties").write_text("version=1\nnode.id=7\ncluster.id=AAAAAAAAQACAAAAAAAAAAA\n")
    error = failure(tmp_path)

    assert "Stored node id 7 doesn't match previous node id 1" in str(error)
    assert f"read {tmp_path}/kafka/broker.log" in str(error)
    assert error.exit_code == 69


def test_data_in_use_by_a_broker_that_broker_json_does_not_name(tmp_path: Path) -> None:
    broker = start_broker(tmp_path)
    broker_file(tmp_path).unlink()
    error = failure(tmp_path)
    write_broker_file(tmp_path, broker)
    stop_broker(tmp_path)

    assert str(error).startswith(f"Another Kafka process is using {tmp_path}/kafka/data: stop it")
    assert error.exit_code == 75


def test_a_broker_that_does_not_answer_is_stopped_at_the_deadline(
    tmp_path: Path, only_these_programs: Path, executable: Executable
) -> None:
    executable("java", JAVA_THAT_NEVER_ANSWERS)
    error = failure(tmp_path, deadline_seconds=0.5)

    pid = int((only_these_programs / "pid").read_text())
    assert "did not answer at 127.0.0.1:" in str(error)
    assert error.exit_code == 69
    assert not Path(f"/proc/{pid}").exists()


def test_a_process_that_was_given_the_pid_of_a_dead_broker_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sh", "-c", "echo; sleep 60"], stdout=subprocess.PIPE) as stranger:
        assert stranger.stdout is not None
        stranger.stdout.readline()
        data, log = tmp_path / "kafka" / "data", tmp_path / "kafka" / "broker.log"
        write_broker_file(tmp_path, RunningBroker("127.0.0.1:1", stranger.pid, data, log, ephemeral=False))
        said: list[str] = []
        stopped = stop_broker(tmp_path, say=said.append)
        alive = stranger.poll() is None
        stranger.kill()

    assert stopped is None
    assert alive
    assert f"(process {stranger.pid}) is gone: the stale file was removed." in said[0]


def test_a_state_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    error = failure(tmp_path / "file" / "state")

    assert "cannot be written" in str(error)
    assert error.exit_code == 78


def test_a_broken_broker_json_is_like_none(tmp_path: Path) -> None:
    broker_file(tmp_path).write_text("{")

    assert stop_broker(tmp_path) is None
    assert not is_alive(2**22, tmp_path)
