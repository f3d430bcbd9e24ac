"""What of a message is a person's own words, and what is quotation, log, code, markup or signature."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.signals_prose import LONGEST, fold, prose


def folded(*messages: str, subject: str = "") -> list[str]:
    return prose(subject, *messages).folded.splitlines()


@pytest.mark.parametrize(
    "inert",
    [
        "> everything is down",
        "On Tue, Ida wrote:\n> everything is down",
        "-----Original Message-----\nFrom: somebody\n\neverything is down",
        "---------- Forwarded message ----------\neverything is down",
        "```\neverything is down\n```",
        "`everything is down`",
        "<script>everything is down</script>",
        "<pre>everything is down</pre>",
        "2026-06-02T08:00:00Z FATAL everything is down",
        "java.lang.IllegalStateException: everything is down\n    at com.example.App.run(App.java:12)",
        "Kind regards\nIda Berg\nHead of Everything is down",
        "--\nIda\nEverything Is Down Ltd",
    ],
)
def test_what_is_quoted_or_made_by_machines_is_not_read(inert: str) -> None:
    assert folded(f"Hello there.\n\n{inert}") == ["hello there."]


def test_a_postscript_under_the_signature_is_read() -> None:
    assert folded("One thing.\n\nRegards\nIda\nPS: and the app is down") == ["one thing.", "ps: and the app is down"]


def test_a_greeting_that_is_followed_by_a_long_text_is_no_signature() -> None:
    text = "Thanks,\n" + "\n".join(f"Line {number} of what we have to say about it." for number in range(20))

    assert len(folded(text)) > 20


def test_a_name_and_position_at_the_end_are_no_sentence() -> None:
    assert folded("Please help us.\n\nIda Berg\nHead of Security, Berg AS") == ["please help us."]


def test_the_subject_of_an_answer_is_read_only_where_there_is_nothing_else() -> None:
    assert folded("It works.", subject="Re: everything is down") == ["it works."]
    assert folded("", subject="Re: everything is down") == ["re: everything is down"]


def test_markup_and_invisible_characters_are_taken_out() -> None:
    assert folded("<p>The&nbsp;app</p><p>is d\u200bown</p>") == ["the app", "is down"]


def test_hard_wrapped_lines_are_one_sentence_and_short_ones_are_not() -> None:
    wrapped = "This is a line that somebody's mail program has broken after about\nseventy characters. Next."

    assert folded(wrapped) == [
        "this is a line that somebody's mail program has broken after about seventy characters.",
        "next.",
    ]
    assert folded("down\nagain") == ["down", "again"]


def test_accents_and_capitals_go_and_lengths_stay() -> None:
    assert fold("Größe „È\u2019É“ ŁÓDŹ") == 'grose "e\'e" lodz'


@given(st.text())
def test_folding_keeps_every_character_in_its_place(text: str) -> None:
    assert len(fold(text)) == len(text)


@given(st.text(max_size=400), st.text(max_size=400))
def test_what_is_written_and_what_is_searched_stand_side_by_side(subject: str, message: str) -> None:
    found = prose(subject, message)

    assert len(found.written) == len(found.folded)


@pytest.mark.parametrize(
    "hostile",
    [
        "2026-06-02 08:00:00 ERROR disk full\n" * 10_000,
        "<" * 500_000,
        "<a " * 200_000,
        "&" * 500_000,
        "a." * 300_000,
        "`" * 300_000,
        "regards " * 100_000,
        "best " * 100_000,
        "on " * 100_000 + "wrote:",
        " " * 900_000,
        "!\u200b" * 300_000,
        "<pre>" * 100_000,
    ],
)
def test_hostile_text_costs_no_more_than_long_text(hostile: str) -> None:
    started = time.perf_counter()
    found = prose(hostile[:200_000], hostile)

    assert time.perf_counter() - started < 2.0
    assert len(found.written) <= 2 * LONGEST + 20
