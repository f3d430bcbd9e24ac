"""The index of due times against the plainest thing that could stand in its place."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.sla_monitor.domain.due_index import DueIndex

_START = datetime(2026, 6, 2, 8, tzinfo=UTC)


def _after(seconds: float) -> datetime:
    return _START + timedelta(seconds=seconds)


def test_tickets_expire_in_due_order_and_once() -> None:
    index = DueIndex()
    index.put("b", _after(90))
    index.put("a", _after(30))
    index.put("c", _after(4000))

    assert index.next_due_at() == _after(30)
    assert index.expired(_after(90)) == ["a", "b"]
    assert index.expired(_after(90)) == []
    assert index.next_due_at() == _after(4000)


def test_a_later_put_replaces_the_earlier_one_and_none_takes_the_ticket_out() -> None:
    index = DueIndex()
    index.put("a", _after(30))
    index.put("a", _after(300))
    index.put("b", _after(40))
    index.put("b", None)

    assert index.expired(_after(299)) == []
    assert index.expired(_after(300)) == ["a"]
    assert (len(index), index.next_due_at()) == (0, None)


def test_at_most_so_many_are_taken_out_at_a_time() -> None:
    index = DueIndex()
    for number in range(5):
        index.put(str(number), _after(number))

    assert index.expired(_after(10), 3) == ["0", "1", "2"]
    assert index.expired(_after(10), 3) == ["3", "4"]


_steps = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.one_of(st.none(), st.integers(-200, 4000)), st.integers(0, 300)),
    max_size=60,
)


@given(_steps)
def test_it_does_what_a_plain_dict_does(steps: list[tuple[str, int | None, int]]) -> None:
    index, plain, now = DueIndex(), dict[str, datetime](), _START
    for ticket, due, passes in steps:
        due_at = None if due is None else now + timedelta(seconds=due)
        index.put(ticket, due_at)
        if due_at is None:
            plain.pop(ticket, None)
        else:
            plain[ticket] = due_at
        assert index.next_due_at() == min(plain.values(), default=None)
        now += timedelta(seconds=passes)
        expired = {one for one, at in plain.items() if at <= now}
        assert set(index.expired(now)) == expired
        plain = {one: at for one, at in plain.items() if at > now}


def test_what_falls_due_between_two_instants_is_told_and_stays() -> None:
    index = DueIndex()
    for number in range(200):
        index.put(str(number), _after(number))
    index.put("100", None)
    index.put("101", _after(3600))
    for _ in range(2):
        told = dict(index.between(_after(90), _after(105)))
        assert sorted(told, key=int) == [str(number) for number in range(91, 106) if number not in (100, 101)]
        assert all(told[ticket] == _after(int(ticket)) for ticket in told)
    assert len(index.expired(_after(105))) == 104


def test_tickets_that_are_closed_or_put_off_take_no_room_until_they_would_have_been_due() -> None:
    index = DueIndex()
    for number in range(100_000):
        index.put(str(number), _after(86_400 + number % 7_000))
        index.put(str(number), _after(3_600 + number % 7_000))
        if number % 100:
            index.put(str(number), None)
    assert len(index) == 1_000
    assert index._entries == sum(map(len, index._buckets.values())) + len(index._near) < 15_000
    assert len(index.expired(_after(86_400))) == 1_000
    assert index.next_due_at() is None
    assert index._entries == sum(map(len, index._buckets.values())) + len(index._near)
