"""Says that nobody is on duty for a type, before an escalation finds out (procedure, section 2: a gap is an alert)."""

import asyncio
import logging
from contextlib import suppress
from typing import Protocol

from chassis.clock import Clock
from chassis.errors import RetryableError
from policy.model import VersionedPolicy
from policy.rota import duty
from policy.routing import ChainStep
from schemas.vocabulary import IssueType
from services.router.metrics import RouterMetrics
from services.router.ports import Rosters

EVERY_SECONDS = 60.0
"""How often it looks; a new roster or policy is looked at within a second."""
_NEWS_SECONDS = 1.0

log = logging.getLogger(__name__)


class LatestPolicy(Protocol):
    """The procedure in force for what opens now; `wire.reference_data.PolicyRegistry` is one."""

    def latest(self) -> VersionedPolicy:
        """Return it; raises RetryableError before the first is here."""
        ...


class RotaWatch:
    """Looks at the chain of every type, says once that a gap begins and that it ends; a component of a Lifecycle.

    Every replica says it: a gap concerns no partition. Business time decides who is on duty, real time when to look.
    """

    def __init__(self, policies: LatestPolicy, rosters: Rosters, clock: Clock, metrics: RouterMetrics) -> None:
        self._policies = policies
        self._rosters = rosters
        self._clock = clock
        self._metrics = metrics
        self._gaps: dict[IssueType, tuple[ChainStep, ...]] = {}
        self._seen: tuple[object, object] | None = None
        self._looked_at = 0.0
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Look until stopped."""
        while not self._stopping.is_set():
            self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(_NEWS_SECONDS):
                    await self._stopping.wait()

    def stop(self) -> None:
        """Ask it to end; safe to repeat."""
        self._stopping.set()

    def look(self) -> None:
        """Look again if it is time to, or if the roster or the policy is another; without either there is no rota."""
        try:
            roster, latest = self._rosters.current(), self._policies.latest()
        except RetryableError:
            return
        is_news = self._seen is None or self._seen[0] is not roster or self._seen[1] is not latest
        if not is_news and self._clock.monotonic() - self._looked_at < EVERY_SECONDS:
            return
        self._seen, self._looked_at = (roster, latest), self._clock.monotonic()
        for issue_type in IssueType:
            on_duty = duty(latest.policy.routing, roster, issue_type, self._clock.now())
            self._metrics.rota_gaps.labels(issue_type.value).set(len(on_duty.gaps))
            self._say(issue_type, on_duty.gaps)

    def _say(self, issue_type: IssueType, gaps: tuple[ChainStep, ...]) -> None:
        """Say what has changed. Rotations and people are named by their keys in the policy."""
        before = self._gaps.get(issue_type, ())
        self._gaps[issue_type] = gaps
        if gaps and gaps != before:
            log.warning(
                "nobody is on duty for %s of type %s: the policy's fallback stands in",
                ", ".join(_told(step) for step in gaps),
                issue_type.value,
                extra={"kind": issue_type.value, "count": len(gaps)},
            )
        elif before and not gaps:
            log.warning("the rota of type %s has no gap any more", issue_type.value, extra={"kind": issue_type.value})


def _told(step: ChainStep) -> str:
    return f"rotation {step.rotation}" if step.rotation is not None else "management"
