"""Services killed and paused at random, by a seed that is told, while tickets come at a steady rate."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from schemas.catalogue import SERVICES
from tests.fault.path_log import Sent, check_sink, check_stored, check_streams, told_tickets, wait_until_done
from tests.harness.installation import Installation, an_installation
from tests.harness.load import steady_load
from tests.harness.policies import a_patient_policy
from tests.harness.settings import HarnessSettings
from tests.harness.verification import verified
from tests.harness.waiting import hold

pytestmark = pytest.mark.timeout(1800)

_TICKETS_A_SECOND = 20 if HarnessSettings().rounds == 1 else 50
_ROUND_SECONDS = 20
_SHORTEST_SECONDS, _LONGEST_SECONDS = 2.0, 4.0
"""Between two kills."""
_SLEEP_SECONDS = 9.0
"""Longer than the session of 6 s: the group has given the partitions away when the process wakes up."""


async def test_services_killed_and_paused_at_random_under_load_lose_and_double_nothing(tmp_path: Path) -> None:
    seed = secrets.randbits(32)
    chance = Random(seed)
    sent, bites = Sent(), Counter[str]()
    async with an_installation(tmp_path, policy=a_patient_policy(tmp_path)) as here:
        async with steady_load(here, _TICKETS_A_SECOND, "random") as tickets:
            for _ in range(HarnessSettings().rounds):
                sleeper = chance.choice(SERVICES)
                others = [name for name in SERVICES if name != sleeper]
                _, bitten = await asyncio.gather(_sleep(here, sleeper), _kill(here, chance, others, tickets))
                bites += bitten
                assert here.services[sleeper].is_alive(), here.services[sleeper].log
                bites[f"{sleeper} asleep"] += 1
        sent.opened(message.meta.correlation_id for message in tickets)
        print(f"seed {seed}: {len(tickets)} tickets, bites with work in flight {dict(bites)}")
        assert bites.total() > 1
        await here.ready()
        await wait_until_done(here, sent, within=300)
        await check_streams(here, sent.tickets)
        await check_stored(here)
        check_sink(here)
        await verified(here, within=400)


async def _sleep(here: Installation, name: str) -> None:
    await hold(_SHORTEST_SECONDS)
    here.services[name].pause()
    await hold(_SLEEP_SECONDS)
    here.services[name].resume()


async def _kill(here: Installation, chance: Random, names: list[str], tickets: Sequence[object]) -> Counter[str]:
    """Kill one now and then, and start it again; return how often each was killed while tickets were on their way."""
    bites = Counter[str]()
    ending = asyncio.get_running_loop().time() + _ROUND_SECONDS
    while asyncio.get_running_loop().time() < ending:
        await hold(chance.uniform(_SHORTEST_SECONDS, _LONGEST_SECONDS))
        name = chance.choice(names)
        sent = len(tickets)
        here.services[name].kill()
        bites[name] += len(await told_tickets(here)) < sent
        here.start(name)
    return bites
