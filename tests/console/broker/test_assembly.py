"""Kafka's jars: only complete and known sets reach the cache, whatever happens on the way."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fake_programs import Executable
from ragpulse.console.broker import BrokerError
from ragpulse.console.broker.assembly import assembled_jars, expected_digests

TARGET = """target=$(printf '%s\\n' "$@" | sed -n 's/-DoutputDirectory=//p'); mkdir -p "$target" """


def silent(_: str) -> None:
    pass


@pytest.fixture(scope="module")  # made before `empty_cache` hides the user's cache
def users_jars() -> Path:
    return assembled_jars(silent)


def failure() -> BrokerError:
    with pytest.raises(BrokerError) as caught:
        assembled_jars(silent)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.usefixtures("empty_cache", "only_these_programs")
def test_maven_missing() -> None:
    error = failure()

    assert str(error).startswith("Maven (`mvn`) was not found and is needed once, to download Kafka: install it")
    assert error.exit_code == 78


@pytest.mark.usefixtures("only_these_programs")
def test_a_failed_download_quotes_maven_and_leaves_nothing_half_done(empty_cache: Path, executable: Executable) -> None:
    executable(
        "mvn",
        f"""{TARGET}; touch "$target/half.jar"
        echo '[INFO] Scanning for projects...'
        echo '[ERROR] Could not transfer artifact org.apache.kafka:kafka_2.13:pom:4.3.1: Unknown host repo'
        exit 1""",
    )
    error = failure()

    assert "(Could not transfer artifact org.apache.kafka:kafka_2.13:pom:4.3.1: Unknown host repo)" in str(error)
    assert error.exit_code == 75
    assert [path.name for path in empty_cache.iterdir()] == ["assembly.lock"]


@pytest.mark.usefixtures("empty_cache", "only_these_programs")
def test_a_disk_that_fills_up_during_the_download_is_recognised(executable: Executable) -> None:
    executable("mvn", "echo '[ERROR] Failed to copy: No space left on device'; exit 1")
    error = failure()

    assert str(error).startswith("The disk is full: ")
    assert "or set XDG_CACHE_HOME to a folder with more" in str(error)
    assert error.exit_code == 75


@pytest.mark.usefixtures("only_these_programs")
def test_other_jars_than_the_tested_ones_are_refused(empty_cache: Path, executable: Executable) -> None:
    executable("mvn", f"""{TARGET}; echo changed > "$target/kafka_2.13-4.3.1.jar" """)
    error = failure()

    assert "kafka_2.13-4.3.1.jar" in str(error)
    assert error.exit_code == 78
    assert [path.name for path in empty_cache.iterdir()] == ["assembly.lock"]


@pytest.mark.kafka
@pytest.mark.usefixtures("empty_cache")
def test_two_that_need_kafka_at_once_download_it_once(
    only_these_programs: Path, executable: Executable, users_jars: Path
) -> None:
    executable("mvn", f"""{TARGET}; cp {users_jars}/*.jar "$target"; echo >> {only_these_programs}/runs; sleep 0.3""")
    with ThreadPoolExecutor(4) as four:
        folders = list(four.map(lambda _: assembled_jars(silent), range(4)))

    assert len(set(folders)) == 1
    assert {jar.name for jar in folders[0].iterdir()} == set(expected_digests())
    assert (only_these_programs / "runs").read_text() == "\n"


def test_the_listed_jars_are_those_of_the_tested_kafka() -> None:
    own = {name for name in expected_digests() if re.match(r"kafka[-_]", name)}

    assert own
    assert all("-4.3.1.jar" in name for name in own)
