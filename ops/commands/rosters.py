"""`escalon roster`: check and publish who is on duty, and ask who is."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ops.connection import kafka_settings, open_log, publisher
from ops.local.run_file import local_defaults, operator_clock
from ops.output import AsJson, command, fail, print_json, print_table
from ops.scenario.setting import DEFAULT_POLICY
from policy.loader import load_policy, load_roster
from policy.model import Policy
from policy.publication import canonical_json, policy_of, roster_of, roster_version
from policy.roster import Roster
from policy.rota import duty
from schemas.catalogue import POLICIES, ROSTER
from schemas.ids import derived_id
from schemas.message import Actor, ActorKind, Meta
from schemas.reference_data import PolicyPublished, RosterPublished

app = typer.Typer(no_args_is_help=True, help="Check and publish who is on duty, and ask who is.")
Folder = Annotated[Path, typer.Argument(help="The policy's folder; the roster stands beside it.", file_okay=False)]
ROSTER_KEY = "roster"


@app.command()
@command
async def check(folder: Folder = DEFAULT_POLICY) -> None:
    """Check a roster: its words, and that everybody it names exists."""
    roster = load_roster(folder)
    typer.echo(f"{roster_version(roster)}: right; {len(roster.people)} people, {len(roster.rotations)} rotations")


@app.command()
@command
async def publish(folder: Folder = DEFAULT_POLICY) -> None:
    """Publish a roster; it counts from then on."""
    local_defaults()
    roster = load_roster(folder)
    version, now = roster_version(roster), operator_clock().now()
    meta = Meta(
        id=derived_id("roster", version, now.isoformat()),
        correlation_id=ROSTER_KEY,
        occurred_at=now,
        recorded_at=now,
        actor=Actor(kind=ActorKind.PERSON, id="operator"),
        producer="escalon-ops",
    )
    async with publisher(kafka_settings()) as out:
        await out.publish([(ROSTER_KEY, RosterPublished(meta=meta, version=version, document=canonical_json(roster)))])
    typer.echo(f"{version} published")


class OnDuty(msgspec.Struct, frozen=True, kw_only=True):
    """A line of `escalon roster who`."""

    type: str
    owner: str
    chain: tuple[str, ...]
    gaps: tuple[str, ...] = ()


@app.command()
@command
async def who(
    at: Annotated[datetime | None, typer.Option("--at", help="An instant (UTC); now, if left out.")] = None,
    folder: Annotated[Path | None, typer.Option("--folder", help="A folder instead of what is published.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Say who would own what, first to last."""
    local_defaults()
    instant = at.replace(tzinfo=UTC) if at else operator_clock().now()
    if folder is not None:
        policy, roster = load_policy(folder).policy, load_roster(folder)
    else:
        policy, roster = await _published()
    rows = []
    for issue_type in policy.routing.chains:
        found = duty(policy.routing, roster, issue_type, instant)
        gaps = tuple(step.rotation or step.person or "" for step in found.gaps)
        rows.append(OnDuty(type=issue_type.value, owner=found.people[0], chain=found.people, gaps=gaps))
    if as_json:
        print_json(rows)
    else:
        table = [(row.type, row.owner, " → ".join(row.chain), ", ".join(row.gaps)) for row in rows]
        print_table(f"On duty at {instant:%Y-%m-%d %H:%M}Z", ("type", "owner", "chain", "gaps"), table)


async def _published() -> tuple[Policy, Roster]:
    policy: Policy | None = None
    roster: Roster | None = None
    async for entry in open_log().entries(POLICIES, ROSTER):
        if isinstance(entry.message, PolicyPublished):
            policy = policy_of(entry.message.document)
        elif isinstance(entry.message, RosterPublished):
            roster = roster_of(entry.message.document)
    if policy is None or roster is None:
        raise fail("no policy or no roster was published yet")
    return policy, roster
