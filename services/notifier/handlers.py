"""What the notifier does: plan what an event calls for, deliver what was planned. The service's index."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schemas.escalations import StreamEvent
from schemas.ids import NoticeId, PolicyVersion
from schemas.notifications import NoticeOutcome
from schemas.vocabulary import Audience
from services.notifier.domain.delivery import GiveUp, Patience, after_failure
from services.notifier.domain.notice import Address, FailureReason, Notice, Plan, Transport
from services.notifier.domain.outcomes import Receipt, delivered, undeliverable
from services.notifier.domain.planning import Setting, plan_notices
from services.notifier.ports import (
    FIRST,
    Channel,
    DeliveryError,
    Ledger,
    Letter,
    PendingNotice,
    Policies,
    Progress,
    Rosters,
    TryLaterError,
    UndeliverableError,
    UnknownOutcomeError,
)

_PATIENCE_WITH_AN_ADDRESS = 3
"""Attempts after which a receiver that is away is passed over for the recipient's next address."""
_PAGE = 200

log = logging.getLogger(__name__)


class Planner:
    """Plans notices for events of `escalations.v1` and records them with the position of the input."""

    def __init__(self, policies: Policies, rosters: Rosters, ledger: Ledger) -> None:
        self._policies = policies
        self._rosters = rosters
        self._ledger = ledger

    async def on_escalation_events(
        self, events: Sequence[StreamEvent], progress: Progress, now: datetime
    ) -> tuple[Plan, ...]:
        """Plan what the events of one stretch call for; durable when it returns, repeating it plans nothing twice.

        Raises RetryableError while a policy version or the roster is not here yet, and LostOwnershipError if another
        replica has moved on; nothing is written then.
        """
        plans = tuple(self.on_escalation_event(event, now) for event in events)
        await self._ledger.record(progress, plans)
        return plans

    def on_escalation_event(self, event: StreamEvent, now: datetime) -> Plan:
        """Return what one event calls for, by the policy it is pinned to."""
        version = event.meta.policy_version
        policy = self._policies.get(PolicyVersion(version)) if version else self._policies.latest().policy
        return plan_notices(event, Setting(policy=policy, roster=self._rosters.current(), now=now))


class Outlets:
    """The channels there are; the sink stands in for all where none is configured."""

    def __init__(self, channels: Sequence[Channel], sink: Channel) -> None:
        self._channels = tuple(channels)
        self._sink = sink

    def routes(self, notice: Notice) -> tuple[tuple[Channel, Address], ...]:
        """Return the ways to the recipient, best first; none where a person or customer cannot be reached at all.

        An incident channel or a helpdesk that is not connected goes to the sink: nobody waits for an answer there.
        """
        found = tuple(
            (channel, address) for address in notice.addresses for channel in self._channels if channel.serves(address)
        )
        if found or (self._channels and notice.audience not in (Audience.CHANNEL, Audience.TICKET)):
            return found
        return ((self._sink, Address(transport=Transport.SINK, target=notice.recipient)),)


@dataclass(slots=True)
class _Attempt:
    """What the addresses of one notice answered."""

    number: int
    receipts: list[Receipt] = field(default_factory=list)
    refusals: list[UndeliverableError] = field(default_factory=list)
    delays: list[TryLaterError] = field(default_factory=list)
    unknown: bool = False
    sent_again: bool = False


class Deliverer:
    """Delivers planned notices and records what became of them."""

    def __init__(self, ledger: Ledger, outlets: Outlets, patience: Patience | None = None) -> None:
        self._ledger = ledger
        self._outlets = outlets
        self._patience = patience or Patience()
        self._unrecorded: dict[NoticeId, NoticeOutcome] = {}
        """What receivers answered while the ledger was away; at most as many as are sent at the same time."""

    async def deliver(self, pending: PendingNotice, now: datetime) -> timedelta | None:
        """Make one attempt; return how long (real time) to wait before the next, None when there is none to make.

        An attempt that a crash cut short is looked up at the receiver before anything is sent again. One that ended
        while the ledger was away is recorded when the notice comes again, and nothing is sent.
        """
        known = self._unrecorded.get(pending.notice.id)
        if known is not None:
            await self._record(pending, known)
            return None
        routes = self._outlets.routes(pending.notice)
        if not routes:
            await self._give_up(pending, "none", FailureReason.NO_CONTACT, now)
            return None
        if not await self._ledger.begin_attempt(pending):
            return None
        attempt = await self._attempt(pending, routes)
        return await self._conclude(pending, attempt, routes, now)

    async def deliver_pending(self, partitions: Collection[int], now: datetime) -> int:
        """Make one attempt at everything that is due, in order, one by one; return how many were made."""
        made, after = 0, FIRST
        while page := await self._ledger.pending(partitions, _PAGE, after):
            for pending in page:
                await self.deliver(pending, now)
            made, after = made + len(page), page[-1].rank
        return made

    async def _attempt(self, pending: PendingNotice, routes: Sequence[tuple[Channel, Address]]) -> _Attempt:
        attempt = _Attempt(pending.attempts + 1)
        for channel, address in routes:
            letter = Letter(notice=pending.notice, address=address, key=f"{pending.notice.id}:{channel.name}")
            await _send(channel, letter, attempt, look_first=pending.interrupted)
            if self._is_enough(pending, attempt):
                break
        return attempt

    def _is_enough(self, pending: PendingNotice, attempt: _Attempt) -> bool:
        if pending.notice.everywhere:
            return False
        failed = bool(attempt.delays) or attempt.unknown
        return bool(attempt.receipts) or (failed and pending.attempts + 1 < _PATIENCE_WITH_AN_ADDRESS)

    async def _conclude(
        self,
        pending: PendingNotice,
        attempt: _Attempt,
        routes: Sequence[tuple[Channel, Address]],
        now: datetime,
    ) -> timedelta | None:
        attempts = pending.attempts + 1
        if attempt.receipts:
            outcome = delivered(pending.notice, attempt.receipts[0], attempts, now, possible_repeat=attempt.sent_again)
            await self._record(pending, outcome)
            return None
        if attempt.delays or attempt.unknown:
            return await self._wait(pending, attempt, now)
        await self._give_up(pending, routes[0][0].name, attempt.refusals[0].reason, now)
        return None

    async def _wait(self, pending: PendingNotice, attempt: _Attempt, now: datetime) -> timedelta | None:
        asked = max((delay.retry_after for delay in attempt.delays if delay.retry_after), default=None)
        reason = attempt.delays[0].reason if attempt.delays else FailureReason.EXHAUSTED
        decision = after_failure(self._patience, pending.attempts + 1, asked, reason)
        if isinstance(decision, GiveUp):
            await self._give_up(pending, self._outlets.routes(pending.notice)[0][0].name, decision.reason, now)
            return None
        # Once it may have been sent it stays so, whatever later attempts, or looking it up, came to.
        in_doubt = attempt.unknown or pending.interrupted
        await self._ledger.postpone(pending, decision.after, in_doubt=in_doubt)
        return decision.after

    async def _give_up(self, pending: PendingNotice, via: str, reason: FailureReason, now: datetime) -> None:
        attempts = pending.attempts + (via != "none")
        about = {"reason": reason.value, "kind": pending.notice.kind.value}
        log.warning("a notice was given up", extra={**_fields(pending.notice, via, attempts), **about})
        await self._record(pending, undeliverable(pending.notice, via, reason, attempts, now))

    async def _record(self, pending: PendingNotice, outcome: NoticeOutcome) -> None:
        self._unrecorded[pending.notice.id] = outcome
        await self._ledger.conclude(pending.notice.id, outcome)
        del self._unrecorded[pending.notice.id]


async def _send(channel: Channel, letter: Letter, attempt: _Attempt, *, look_first: bool) -> None:
    try:
        found = await channel.find(letter) if look_first else None
        attempt.sent_again = attempt.sent_again or (look_first and found is None)
        attempt.receipts.append(found or await channel.send(letter))
    except UndeliverableError as error:
        attempt.refusals.append(error)
        _tell(letter, channel, attempt, error)
    except TryLaterError as error:
        attempt.delays.append(error)
        _tell(letter, channel, attempt, error)
    except UnknownOutcomeError as error:
        attempt.unknown = True
        _tell(letter, channel, attempt, error)


def _tell(letter: Letter, channel: Channel, attempt: _Attempt, error: DeliveryError) -> None:
    """Log what the receiver answered; neither the words nor the address, both are somebody's."""
    fields = _fields(letter.notice, channel.name, attempt.number)
    log.warning("an attempt failed: %s", error, extra={**fields, "error": type(error).__name__})


def _fields(notice: Notice, via: str, attempt: int) -> dict[str, object]:
    return {
        "channel": via,
        "attempt": attempt,
        "notice_id": str(notice.id),
        "correlation_id": notice.about.ticket,
    }
