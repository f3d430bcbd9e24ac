"""The words are checked before anybody is told, and the default ones pass."""

import msgspec
import pytest

from policy.communication import Communication, Template
from policy.communication_check import check_communication
from policy.communication_render import MAX_BODY_CHARACTERS, render
from policy.communication_samples import samples_of
from schemas.vocabulary import Audience, NoticeKind
from tests.harness.notices import communication


def with_words(kind: str, language: str, *, subject: str | None = None, body: str | None = None) -> Communication:
    words = communication()
    old = words.templates[kind].get(language) or words.templates[kind]["en"]
    new = Template(subject=subject or old.subject, body=body or old.body)
    templates = {**words.templates, kind: {**words.templates[kind], language: new}}
    return msgspec.structs.replace(words, templates=templates)


def test_the_default_words_are_complete() -> None:
    assert check_communication(communication()) == []


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("reminder", "{{ nobody_knows }}", "'nobody_knows' is undefined"),
        ("reminder", "{{ owner.shoe_size }}", "shoe_size"),
        ("reminder", "{{ act.by.name }}", "has no attribute 'name'"),
        ("reminder", "{% if %}", "line 1"),
        ("reminder", "{{ ''.__class__.__mro__ }}", "unsafe"),
        ("reminder", "{{ open('x') }}", "'open' is undefined"),
        ("reminder", "{% if severity == 'P1' %}x{% endif %}", "says nothing (for severity P4)"),
        ("refused", "{{ owner.name }}", "has no attribute 'name'"),
        ("acknowledgement", "hello", "required part missing; write it as {% block understood %}"),
    ],
)
def test_wrong_words_are_named_with_their_place(kind: str, body: str, said: str) -> None:
    problems = check_communication(with_words(kind, "en", body=body))
    assert problems
    assert all(problem.startswith(f"templates.{kind}.en: body") for problem in problems)
    assert any(said in problem for problem in problems)


def test_a_required_part_must_say_what_it_is_for_in_every_language() -> None:
    body = communication().templates["acknowledgement"]["de"].body.replace("{{ owner.role }}, und", "und")
    (problem,) = check_communication(with_words("acknowledgement", "de", body=body))
    assert problem == (
        "templates.acknowledgement.de: body: the required part `owner` must say `owner.name` and `owner.role`"
    )


def test_a_required_part_must_not_fall_silent_for_a_severity() -> None:
    body = (
        communication().templates["acknowledgement"]["en"].body.replace("{% else %}\n  We see that this is a nuis", "")
    )
    shorter = body.replace("We see that this is a nuisance you should not have to live with.", "")
    (problem,) = check_communication(with_words("acknowledgement", "en", body=shorter))
    assert "the required part `impact` says nothing (for severity P4)" in problem


def test_every_audience_needs_english() -> None:
    words = communication()
    only_german = {"de": words.templates["closed"]["de"]}
    problems = check_communication(msgspec.structs.replace(words, templates={**words.templates, "closed": only_german}))
    assert problems == ["templates.closed: no words in English for customer; give templates.closed.en"]


def test_every_kind_has_one_rule_and_every_key_is_a_kind() -> None:
    words = communication()
    wrong = msgspec.structs.replace(
        words,
        notices=(*words.notices[1:], words.notices[1]),
        templates={
            **words.templates,
            "warning.owner": words.templates["warning"],
            "gossip": words.templates["warning"],
        },
    )
    problems = check_communication(wrong)
    assert any(problem.startswith("notices.reminder: listed twice") for problem in problems)
    assert any(problem.startswith("notices.new_owner: missing") for problem in problems)
    assert any(problem.startswith("templates.gossip: not a kind of notice") for problem in problems)
    assert not any("warning.owner" in problem for problem in problems)


def test_an_audience_may_have_words_of_its_own() -> None:
    words = communication()
    own = Template(subject="for management", body="b")
    words = msgspec.structs.replace(words, templates={**words.templates, "breach.management": {"en": own}})
    assert words.template_of(NoticeKind.BREACH, Audience.MANAGEMENT, "en") is own
    assert words.template_of(NoticeKind.BREACH, Audience.OWNER, "en") is not own


def test_words_are_cut_where_receivers_would_refuse_them_and_a_subject_is_one_line() -> None:
    view = msgspec.structs.replace(samples_of(NoticeKind.REMINDER)[0], subject="a\r\nBcc: x\n" + "y" * 50_000)
    words = render(Template(subject="{{ subject }}", body="{{ subject }}"), view)
    assert len(words.body) == MAX_BODY_CHARACTERS
    assert "\n" not in words.subject
    assert len(words.subject) == 200
