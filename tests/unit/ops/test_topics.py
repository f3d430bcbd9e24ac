"""Which topics are wanted, and how."""

from ops.topics import TopicSpec, TopicState, dead_letter_topics, wanted_topics
from schemas.catalogue import TOPIC_MAX_MESSAGE_BYTES, TOPICS, Key

_WANTED = {spec.name: spec for spec in wanted_topics(partitions=12)}


def test_every_topic_of_the_catalogue_is_wanted() -> None:
    assert {topic.name for topic in TOPICS} <= _WANTED.keys()


def test_topics_about_tickets_have_equal_partition_counts() -> None:
    assert {_WANTED[topic.name].partitions for topic in TOPICS if topic.key is Key.TICKET} == {12}


def test_published_versions_stand_in_one_order() -> None:
    assert _WANTED["policies.v1"].partitions == _WANTED["roster.v1"].partitions == 1


def test_a_topic_takes_records_that_are_too_large_for_us_and_its_dead_letters_with_their_headers() -> None:
    assert _WANTED["tickets.v1"].config["max.message.bytes"] == str(TOPIC_MAX_MESSAGE_BYTES)
    assert int(_WANTED["tickets.v1.classifier.dead-letter"].config["max.message.bytes"]) > TOPIC_MAX_MESSAGE_BYTES


def test_the_life_of_an_escalation_is_kept_for_ever_and_tickets_for_two_weeks() -> None:
    assert _WANTED["escalations.v1"].config["retention.ms"] == "-1"
    assert _WANTED["tickets.v1"].config["retention.ms"] == str(14 * 24 * 3600 * 1000)


def test_reference_data_is_compacted_and_has_no_dead_letters() -> None:
    assert _WANTED["accounts.v1"].config["cleanup.policy"] == "compact"
    assert not any(name.startswith("accounts.v1") for name in dead_letter_topics())


def test_every_reader_of_a_stream_has_a_place_for_its_dead_letters() -> None:
    assert {"escalations.v1.sla_monitor.dead-letter", "escalations.v1.notifier.dead-letter"} <= set(
        dead_letter_topics()
    )


def test_a_topic_that_is_missing_or_cut_otherwise_is_a_problem_and_a_right_one_is_none() -> None:
    spec = TopicSpec("tickets.v1", 8, {})

    assert TopicState(spec, None).problem == "tickets.v1 is missing"
    assert TopicState(spec, 3).problem == "tickets.v1 has 3 partitions and needs 8"
    assert TopicState(spec, 8).problem is None
