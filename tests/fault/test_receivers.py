"""All four services and a Slack, a mail server and a Zendesk that go wrong in every way receivers do.

Promised: what failed is tried again as asked, is given up only with an alarm and told to somebody else, and arrives
once when the receiver is well again; a receiver that hangs delays no other.
"""

from collections import Counter
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from policy.loader import load_roster
from schemas.catalogue import ESCALATIONS, NOTIFICATIONS
from schemas.commands import AcceptEscalation
from schemas.escalations import EscalationOpened, NoticeFailed
from schemas.ids import PersonKey
from schemas.message import Message
from schemas.notifications import NoticeDelivered, NoticeOutcome, NoticeUndeliverable
from schemas.tickets import Customer, TicketOpened
from schemas.vocabulary import Channel, NoticeKind
from tests.harness.installation import Installation, an_installation
from tests.harness.load import an_outage
from tests.harness.receivers.faults import Fault
from tests.harness.receivers.process import Entry, ReceiverProcess, Receivers, three_receivers
from tests.harness.settings import HarnessSettings
from tests.harness.waiting import eventually

pytestmark = [pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="module")]

_PATIENCE = 120
_RETRY_AFTER = 3
"""Seconds; more than the first waits of our own."""
_EACH = 3
"""How often each fault happens."""
_TOLD = frozenset({"new_owner", "opened", "acknowledgement", "ticket_tagged"})
"""What every P1 has people told, once."""


class Place:
    """An installation that writes to three receivers."""

    def __init__(self, here: Installation, receivers: Receivers) -> None:
        self.here = here
        self.slack, self.smtp, self.zendesk = receivers.all

    async def escalate(self, prefix: str, *tickets: Message) -> None:
        """Send tickets and have their owners accept them, so that customers are told, too."""
        await self.here.send(*tickets)

        async def opened() -> list[EscalationOpened]:
            said = [one for one in await self.here.log(ESCALATIONS) if isinstance(one, EscalationOpened)]
            found = [one for one in said if one.escalation.ticket.startswith(f"zendesk-eu/{prefix}")]
            return found if len(found) == len(tickets) else []

        for one in await eventually(opened, _PATIENCE, what=f"{prefix} is escalated"):
            await self.here.send(AcceptEscalation(ticket=one.escalation.ticket), by=one.escalation.owner)

    async def outcomes(self, prefix: str) -> list[NoticeOutcome]:
        """Return what became of the notices about these tickets, each id once."""
        said = [one for one in await self.here.log(NOTIFICATIONS) if isinstance(one, NoticeOutcome)]
        return list({one.meta.id: one for one in said if one.ticket.startswith(f"zendesk-eu/{prefix}")}.values())

    async def all_told(self, prefix: str, tickets: int) -> list[NoticeDelivered]:
        """Wait until all that every ticket calls for is delivered, and return that."""

        async def told() -> list[NoticeDelivered]:
            found = [one for one in await self.outcomes(prefix) if isinstance(one, NoticeDelivered)]
            kinds = Counter(one.kind.value for one in found)
            return found if all(kinds[kind] >= tickets for kind in _TOLD) else []

        found = await eventually(told, _PATIENCE, what=lambda: self.here.services["notifier"].log[-3000:])
        assert Counter(one.kind.value for one in found) == dict.fromkeys(_TOLD, tickets)
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    folder = tmp_path_factory.mktemp("installation")
    async with (
        three_receivers(tmp_path_factory.mktemp("receivers")) as receivers,
        an_installation(folder, receivers.environment(2)) as here,
    ):
        yield Place(here, receivers)


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def healed(place: Place) -> AsyncIterator[None]:
    """No test leaves a fault to the next."""
    yield
    for receiver in (place.slack, place.smtp, place.zendesk):
        receiver.heal()


def outages(prefix: str, number: int) -> list[Message]:
    """Give tickets whose customers are told by mail and on the ticket, by turns."""
    return [_outage(f"{prefix}-{each}", Channel.EMAIL if each % 2 else Channel.WEB) for each in range(number)]


def _outage(number: str, channel: Channel) -> TicketOpened:
    opened = an_outage(number)
    customer = Customer(name="Carla", email=f"carla.{number}@customer.example", preferred_channel=channel)
    return msgspec.structs.replace(opened, ticket=msgspec.structs.replace(opened.ticket, customer=customer))


def taken_of(receiver: ReceiverProcess, found: list[NoticeDelivered]) -> Counter[str]:
    """Return how often the receiver took each of these notices."""
    ids = {one.notice_id for one in found}
    return Counter({key: n for key, n in receiver.taken().items() if key.partition(":")[0] in ids})


def bitten(receiver: ReceiverProcess, *words: str) -> dict[str, int]:
    """Return how often each of these answers was given, and say so; none is zero."""
    found = {word: receiver.answered(word) for word in words}
    print(f"{receiver.name}: {found}")
    assert all(found.values()), found
    return found


async def test_whatever_goes_wrong_for_a_while_everything_arrives_once(place: Place) -> None:
    tickets = 12 * HarnessSettings().rounds
    wait = {"Retry-After": str(_RETRY_AFTER)}
    busy = Fault(status=429, headers=wait, body='{"ok": false, "error": "ratelimited"}')
    every = (busy, Fault(status=500), Fault(hang=True), Fault(reset=True), Fault(reset=True, after=True))
    place.slack.fail("chat.postMessage", *every, Fault(slow_seconds=1.0), times=_EACH)
    place.zendesk.fail("comment", *every[:3], every[4], times=1)
    later = Fault(body="451 4.7.1 later")
    # One only that loses the connection after the final dot, else it might hit one mail twice.
    place.smtp.fail("data", later, later, Fault(hang=True), Fault(reset=True, after=True), times=1)
    await place.escalate("storm", *outages("storm", tickets))
    found = await place.all_told("storm", tickets)

    bitten(place.slack, "429", "500", "hang", "reset", "slow")
    bitten(place.zendesk, "429", "500", "hang", "reset")
    bitten(place.smtp, "451", "hang", "reset")
    assert set(taken_of(place.slack, found).values()) == {1}
    assert set(taken_of(place.zendesk, found).values()) == {1}
    mails = [one for one in found if one.via == "email"]
    times = {one.external_id: place.smtp.taken()[str(one.external_id)] for one in mails}
    assert set(times.values()) <= {1, 2}
    assert all(one.possible_repeat for one in mails if times[one.external_id] == 2)
    assert all(gap >= _RETRY_AFTER for gap in _gaps_after(place.slack.journal(), "429"))


def _gaps_after(journal: list[Entry], answer: str) -> list[float]:
    """Return how long each key was left alone after an answer, in seconds."""
    keys = {entry.key for entry in journal if entry.answered == answer and entry.key is not None}
    gaps: list[float] = []
    for key in keys:
        lines = [entry for entry in journal if entry.key == key]
        gaps += [after.at - before.at for before, after in pairwise(lines) if before.answered == answer]
    assert gaps
    return gaps


async def test_a_receiver_that_hangs_delays_no_other(place: Place) -> None:
    tickets = 40
    """More than there are places for Slack."""
    place.slack.fail("chat.postMessage", Fault(hang=True))
    await place.escalate("hang", *outages("hang", tickets))

    async def others_told() -> bool:
        kinds = Counter(one.kind for one in await place.outcomes("hang") if one.via in ("email", "zendesk"))
        return kinds[NoticeKind.ACKNOWLEDGEMENT] == kinds[NoticeKind.TICKET_TAGGED] == tickets

    await eventually(others_told, _PATIENCE, what=lambda: place.here.services["notifier"].log[-3000:])
    hung = place.slack.answered("hang")
    rooms = [one for one in await place.outcomes("hang") if one.kind is NoticeKind.OPENED]
    print(f"slack hung {hung} times while all others were told")
    assert hung > 0
    assert rooms == []
    place.slack.heal()
    found = await place.all_told("hang", tickets)
    assert set(taken_of(place.slack, found).values()) == {1}


async def test_refused_credentials_show_at_once_and_all_arrives_when_they_are_right(place: Place) -> None:
    notifier = place.here.services["notifier"]
    place.slack.fail("*", Fault(status=200, body='{"ok": false, "error": "invalid_auth"}'))
    place.smtp.fail("auth", Fault())
    place.zendesk.fail("*", Fault(status=401))
    await place.escalate("credentials", *outages("credentials", 2))
    names = ("slack", "email", "zendesk")
    alarms = [f'escalon_notifier_channel_trouble{{channel="{name}",reason="credentials"}}' for name in names]
    await eventually(
        lambda: all(f"{alarm} 1.0" in notifier.metrics() for alarm in alarms), _PATIENCE, what=notifier.metrics
    )
    assert not notifier.is_ready()
    bitten(place.slack, "200")
    bitten(place.smtp, "535")
    bitten(place.zendesk, "401")
    for receiver in (place.slack, place.smtp, place.zendesk):
        receiver.heal()
    found = await place.all_told("credentials", 2)
    await eventually(notifier.is_ready, _PATIENCE, what=lambda: notifier.log[-3000:])
    assert all(f"{alarm} 0.0" in notifier.metrics() for alarm in alarms)
    assert set(taken_of(place.slack, found).values()) == {1}


async def test_who_is_not_there_is_given_up_with_an_alarm_and_somebody_else_is_told(place: Place) -> None:
    """Zendesk knows no ticket `gone-…`; nobody but the management has a Slack or a mailbox that takes anything."""
    notifier, roster = place.here.services["notifier"], load_roster(Path("policy/default"))
    manager = roster.people[PersonKey(await _management(place))]
    assert manager.slack is not None
    assert manager.email is not None
    missing = Fault(status=200, body='{"ok": false, "error": "channel_not_found"}')
    place.slack.fail("chat.postMessage", missing, spared=(manager.slack, f"D{manager.slack}"))
    place.smtp.fail("rcpt", Fault(body="550 5.1.1 no such user"), spared=(manager.email,))
    await place.escalate("gone", _outage("gone-1", Channel.EMAIL))

    async def management_knows() -> list[NoticeDelivered]:
        said = [one for one in await place.outcomes("gone") if isinstance(one, NoticeDelivered)]
        return [one for one in said if one.kind is NoticeKind.UNDELIVERED]

    told = await eventually(management_knows, _PATIENCE, what=lambda: notifier.log[-3000:])
    assert {roster.people[PersonKey(one.recipient)].slack for one in told} == {manager.slack}

    async def all_given_up() -> set[str]:
        failed = [one for one in await place.here.log(ESCALATIONS) if isinstance(one, NoticeFailed)]
        kinds = {one.kind.value for one in failed if one.escalation.ticket == "zendesk-eu/gone-1"}
        return kinds if kinds >= _TOLD else set()

    await eventually(all_given_up, _PATIENCE, what=lambda: notifier.log[-3000:])
    given_up = [one for one in await place.outcomes("gone") if isinstance(one, NoticeUndeliverable)]
    print(f"given up: {sorted((one.kind.value, one.reason) for one in given_up)}")
    assert {one.kind.value for one in given_up} >= _TOLD
    assert {one.reason for one in given_up} == {"bad_recipient"}
    assert notifier.log.count("a notice was given up") >= len(given_up)
    assert 'kind="new_owner",outcome="bad_recipient"' in notifier.metrics()


async def _management(place: Place) -> str:
    """Return who is told when an owner cannot be reached."""

    async def opened() -> list[EscalationOpened]:
        return [one for one in await place.here.log(ESCALATIONS) if isinstance(one, EscalationOpened)]

    await place.here.send(_outage("ask-1", Channel.EMAIL))
    return (await eventually(opened, _PATIENCE))[-1].escalation.management
