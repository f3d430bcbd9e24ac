"""The default criteria: sound, right on their own examples, and on replies in the languages they know."""

from pathlib import Path

import msgspec
import pytest
import yaml

from policy.cel import CompiledCriteria, check_criteria
from policy.criteria import Criteria, Example
from schemas.tickets import TicketFields
from schemas.vocabulary import ReplyIntent
from services.classifier.domain.judging import judge
from tests.harness.tickets import AT, a_ticket

FILE = Path(__file__).parents[3] / "policy" / "default" / "criteria.yaml"
CRITERIA = msgspec.convert(yaml.safe_load(FILE.read_text()), Criteria)
COMPILED = CompiledCriteria(CRITERIA)


def test_they_have_no_problems() -> None:
    assert check_criteria(CRITERIA) == []


@pytest.mark.parametrize("example", CRITERIA.examples, ids=lambda example: example.says)
def test_they_say_of_each_example_what_it_says(example: Example) -> None:
    ticket = msgspec.structs.replace(
        a_ticket(description=example.description, fields=msgspec.convert(example.fields, TicketFields, strict=False)),
        subject=example.subject,
    )

    judgement = judge(COMPILED, ticket, None, AT)

    assert judgement.qualifies is example.qualifies
    assert example.reasons is None or set(judgement.reasons) == set(example.reasons)
    assert example.severity in (None, judgement.severity)
    assert example.type in (None, judgement.type)


@pytest.mark.parametrize(
    ("reply", "intent"),
    [
        ("Yes, it works again, thank you!", ReplyIntent.CONFIRMS),
        ("I can confirm that all is in order.", ReplyIntent.CONFIRMS),
        ("Everything works fine now. You may close this.", ReplyIntent.CONFIRMS),
        ("Ja, es funktioniert wieder. Danke!", ReplyIntent.CONFIRMS),
        ("Oui, tout marche parfaitement, merci.", ReplyIntent.CONFIRMS),
        ("Confirmo, ya funciona.", ReplyIntent.CONFIRMS),
        ("No, it still does not work.", ReplyIntent.REJECTS),
        ("Thanks, but the same error is there.", ReplyIntent.REJECTS),
        ("Leider funktioniert es immer noch nicht.", ReplyIntent.REJECTS),
        ("Ça ne marche toujours pas.", ReplyIntent.REJECTS),
        ("Thank you, great work!", ReplyIntent.THANKS),
        ("Vielen Dank!", ReplyIntent.THANKS),
        ("Any news?", ReplyIntent.UNCLEAR),
        ("Is it solved?", ReplyIntent.UNCLEAR),
        ("I will look at it when I am back and confirm it works if it works.", ReplyIntent.UNCLEAR),
        ("The login works again. The export is still broken.", ReplyIntent.UNCLEAR),
        ("On Tue, support wrote:\n> Is it solved? It works now.", ReplyIntent.UNCLEAR),
        ("", ReplyIntent.UNCLEAR),
    ],
)
def test_they_read_the_intent_of_a_reply(reply: str, intent: ReplyIntent) -> None:
    assert COMPILED.intent_of(reply) is intent
