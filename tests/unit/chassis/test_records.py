"""A batch's arithmetic: positions have no gaps, whatever was put aside between the items."""

from chassis.records import Batch, Item, Record


def _batch() -> Batch[str]:
    items = tuple(Item(Record("words", 0, offset, b"k", b"v"), f"at {offset}") for offset in (11, 13, 14))
    return Batch("words", 0, 10, 16, items)


def test_nothing_handled_leaves_the_position_where_the_batch_began() -> None:
    assert _batch().position_after(0) == 10
    assert _batch().after(0) == _batch()


def test_a_part_that_is_handled_ends_behind_its_last_item() -> None:
    assert _batch().position_after(2) == 14


def test_all_handled_passes_what_was_put_aside_at_the_end() -> None:
    assert _batch().position_after(3) == 16


def test_the_two_parts_of_a_batch_meet_without_gap() -> None:
    first, rest = _batch().first(1), _batch().after(1)
    assert (first.position, first.next_position) == (10, 12)
    assert (rest.position, rest.next_position) == (12, 16)
    assert [item.message for item in (*first.items, *rest.items)] == ["at 11", "at 13", "at 14"]


def test_a_batch_without_a_record_covers_the_same_stretch() -> None:
    without = _batch().without(13)
    assert (without.position, without.next_position) == (10, 16)
    assert [item.record.offset for item in without.items] == [11, 14]
