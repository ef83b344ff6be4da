"""What alerting knows survives a restart, or is refused with a sentence."""

import orjson
import pytest

from alert_timelines import ENDED, alerts, at, run
from ragpulse.schemas.errors import ContractError
from ragpulse.streams.alerting.book import AlertBook


def test_a_restored_book_goes_on_where_the_saved_one_was() -> None:
    book = AlertBook()
    fired = run([at(0).violation(), at(1).violation(service="chat"), at(2).violation(ENDED, service="chat")], book=book)

    restored = AlertBook.restore(book.snapshot())
    outcomes = run([at(3).violation(service="chat"), at(60).violation(ENDED)], book=restored)

    assert (restored.offset, restored.firing) == (4, ())
    assert [alert.state.value for alert in alerts(outcomes)] == ["resolved"]
    assert alerts(outcomes)[0].alert_id == alerts(fired)[0].alert_id


def test_an_empty_book_survives_too() -> None:
    assert AlertBook.restore(AlertBook().snapshot()).offset == -1


def test_the_form_of_a_snapshot_is_known() -> None:
    book = AlertBook()
    run([at(0).violation()], book=book)

    assert {"version", "offset", "now_ms", "firing", "over"} == set(orjson.loads(book.snapshot()))


def test_a_snapshot_of_another_version_is_refused_with_what_to_do() -> None:
    with pytest.raises(ContractError, match="has version 2, this ragpulse reads 1: start the version that wrote it"):
        AlertBook.restore(b'{"version":2,"firing":"in a form that nobody knows yet"}')


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"version":"1"}', b'{"version":1,"firing":[{}]}', b"\xff"])
def test_what_is_no_snapshot_is_refused_with_what_to_do(data: bytes) -> None:
    with pytest.raises(ContractError, match="Reset the group's offsets"):
        AlertBook.restore(data)
