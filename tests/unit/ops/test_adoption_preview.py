"""What `policy publish --running --dry-run` shows is what happens: held against the stories, played both ways."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from ops.adoption_preview import AdoptionPreview, MovedDeadline, NoticeAtOnce, Preview
from ops.commands.policies import show_preview
from ops.running_escalations import RunningEscalations, adoption_of
from ops.scenario.language import Down, PolicyPublishedWith, Story, When
from ops.scenario.reading import read_story
from ops.scenario.setting import Setting, setting_of
from ops.scenario.world import World
from policy.model import VersionedPolicy
from schemas.codec import Codec, SchemaBook
from schemas.commands import AdoptPolicy
from schemas.escalations import StreamEvent
from schemas.ids import PolicyVersion
from schemas.message import Message
from schemas.notifications import NoticeDelivered
from schemas.vocabulary import ClockName, NoticeKind, Severity
from services.sla_monitor.domain.explaining import explain
from services.sla_monitor.domain.folding import fold
from services.sla_monitor.domain.pinning import pinned
from services.sla_monitor.domain.row import AnyRow, EscalationRow
from wire.reference_data import PolicyRegistry, RosterRegistry

SCENARIOS = Path(__file__).parents[2] / "acceptance" / "scenarios"
HARSH = {
    severity: {
        "first_response": {"measure": "elapsed", "amount": 360},
        "update": {"measure": "elapsed", "amount": 420},
        "resolution": {"measure": "elapsed", "amount": 900},
    }
    for severity in Severity
}
MILD = {
    severity: {
        "first_response": {"measure": "elapsed", "amount": 86_400},
        "update": None,
        "resolution": {"measure": "elapsed", "amount": 864_000},
    }
    for severity in Severity
}
_LINE = 10_000


class _Recorded(World):
    """Keeps what passes."""

    def __init__(self, story: Story, setting: Setting, codec: Codec) -> None:
        super().__init__(story, setting, codec)
        self.passed: list[Message] = []

    def _publish(self, message: Message) -> None:
        self.passed.append(message)
        super()._publish(message)


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec(SchemaBook())


def _stories() -> Iterator[Path]:
    for path in sorted((*(SCENARIOS / "core").glob("*.yaml"), *(SCENARIOS / "own").glob("*.yaml"))):
        story = read_story(path)
        if not story.given.unreachable and not any(
            isinstance(one.act, Down | PolicyPublishedWith) for one in story.when
        ):
            yield path


def _up_to(story: Story, until: datetime, *more: When) -> Story:
    when = tuple(one for one in story.when if one.arrives <= until)
    return replace(story, when=(*when, *more), until=until)


async def _played(story: Story, codec: Codec) -> list[Message]:
    world = _Recorded(story, setting_of(story), codec)
    await world.play()
    return world.passed


def _publish(at: datetime, changes: dict[Severity, dict[str, object]]) -> When:
    act = PolicyPublishedWith(running=True, severities=changes)
    return When(line=_LINE, at=at, arrives=at, ticket="", word="policy_published", act=act)


def _dues(messages: Iterable[Message], policies: PolicyRegistry, now: datetime) -> dict[tuple[str, str, int], datetime]:
    rows: dict[str, AnyRow | None] = {}
    for event in messages:
        if isinstance(event, StreamEvent):
            rows[event.meta.correlation_id] = fold(rows.get(event.meta.correlation_id), event)
    found: dict[tuple[str, str, int], datetime] = {}
    for ticket, row in rows.items():
        if isinstance(row, EscalationRow):
            held_to = pinned(row, policies.get)
            for one in explain(row, held_to.policy, now, held_to.earlier):
                found[ticket, one.clock, one.cycle] = one.due_at
    return found


def _previewed(messages: Iterable[Message], setting: Setting, version: PolicyVersion, now: datetime) -> Preview:
    policies = PolicyRegistry([setting.policy, *setting.published.values()])
    preview = AdoptionPreview(policies, RosterRegistry(setting.roster))
    for message in [one for one in messages for _ in range(2)]:
        preview.take(message)
    return preview.of(version, now)


@pytest.mark.parametrize("changes", [HARSH, MILD], ids=["harsher", "milder"])
@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in _stories()])
async def test_what_is_shown_is_what_happens(
    path: Path, changes: dict[Severity, dict[str, object]], codec: Codec
) -> None:
    story = read_story(path)
    at = story.when[len(story.when) // 2].arrives + timedelta(minutes=7, seconds=1)
    published = _up_to(story, at, _publish(at, changes))
    setting = setting_of(published)
    (version,) = (one.version for one in setting.published.values())

    before = await _played(_up_to(story, at), codec)
    after = await _played(published, codec)
    shown = _previewed(before, setting, version, at)

    known = {one.meta.id for one in before}
    told = [one for one in after if isinstance(one, NoticeDelivered) and one.meta.id not in known]
    assert sorted((one.ticket, one.kind, one.recipient) for one in told) == sorted(
        (one.ticket, one.kind, one.recipient) for one in shown.notices
    )
    assert shown.escalations == sum(isinstance(one, AdoptPolicy) for one in after)
    policies = PolicyRegistry([setting.policy, *setting.published.values()])
    old, new = _dues(before, policies, at), _dues(after, policies, at)
    moved = {(one.ticket, one.clock, one.cycle): one for one in shown.deadlines}
    for clock in old.keys() & new.keys():
        assert (old[clock] != new[clock]) == (clock in moved), clock
    for clock, one in moved.items():
        assert (one.was_due_at, one.due_at) == (old.get(clock), new.get(clock))


async def test_a_deadline_is_shown_in_its_calendars_time_and_a_breach_with_whom_it_is_told_to(
    codec: Codec, capsys: pytest.CaptureFixture[str]
) -> None:
    story = read_story(SCENARIOS / "core" / "07_business_hours_and_easter.yaml")
    at = datetime.fromisoformat("2026-04-02T14:30:00+00:00")
    changes: dict[Severity, dict[str, object]] = {
        Severity.P3: {"update": None, "resolution": {"measure": "working_time", "amount": 3600}}
    }
    published = _up_to(story, at, _publish(at, changes))
    setting = setting_of(published)

    shown = _previewed(await _played(_up_to(story, at), codec), setting, setting.published[_LINE].version, at)

    update, resolution = sorted(shown.deadlines, key=lambda one: one.clock, reverse=True)
    assert (update.clock, update.cycle) == (ClockName.UPDATE, 2)
    assert (update.was_due_local, update.due_local) == ("Tue 2026-04-07 16:00:00 CEST", None)
    assert resolution == MovedDeadline(
        reference=resolution.reference,
        ticket="zendesk-eu/1",
        clock=ClockName.RESOLUTION,
        cycle=1,
        was_due_at=datetime.fromisoformat("2026-04-09T13:00:00+00:00"),
        due_at=datetime.fromisoformat("2026-04-02T14:00:00+00:00"),
        was_due_local="Thu 2026-04-09 15:00:00 CEST",
        due_local="Thu 2026-04-02 16:00:00 CEST",
    )
    assert [(one.kind, one.recipient, one.percent) for one in shown.notices] == [
        (NoticeKind.BREACH, "dov", 100),
        (NoticeKind.BREACH, "mia", 100),
    ]
    assert isinstance(shown.notices[0], NoticeAtOnce)

    show_preview(shown, PolicyVersion("next"), as_json=False)
    said = " ".join(capsys.readouterr().out.split())
    assert (
        "next: 1 open escalations would adopt it, 2 deadlines move, 2 notices go out at once; nothing was sent" in said
    )
    assert {"not", "promised", "any", "more", "dov", "mia"} <= set(said.split())

    show_preview(shown, PolicyVersion("next"), as_json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["what"] for line in lines] == ["deadline", "deadline", "notice", "notice"]


async def test_what_is_closed_or_held_to_the_version_already_is_not_asked(codec: Codec) -> None:
    story = read_story(SCENARIOS / "own" / "21_a_policy_for_what_runs.yaml")
    setting = setting_of(story)
    first, second, third = setting.published.values()
    closed_at = datetime.fromisoformat("2026-06-02T11:56:00+00:00")
    until_then = replace(story, when=tuple(one for one in story.when if one.at <= closed_at), until=closed_at)
    running = RunningEscalations()
    for message in await _played(until_then, codec):
        running.take(message)
    assert list(running.held_to_others(third.version)) == []

    running = RunningEscalations()
    adopted_at = datetime.fromisoformat("2026-06-02T09:50:00+00:00")
    for message in await _played(_up_to(story, adopted_at), codec):
        running.take(message)
    assert list(running.held_to_others(second.version)) == []
    (one,) = running.held_to_others(first.version)
    assert (one.policy_version, one.adoptions) == (second.version, 1)


async def test_asking_twice_is_one_command_and_asking_after_another_version_came_is_a_new_one(codec: Codec) -> None:
    story = read_story(SCENARIOS / "own" / "21_a_policy_for_what_runs.yaml")
    second = list[VersionedPolicy](setting_of(story).published.values())[1].version
    at = datetime.fromisoformat("2026-06-02T09:50:00+00:00")
    running = RunningEscalations()
    for message in await _played(_up_to(story, at - timedelta(minutes=1)), codec):
        running.take(message)
    (one,) = running.held_to_others(second)

    asked, again = adoption_of(second, one, at, at), adoption_of(second, one, at + timedelta(hours=1), at)
    later = adoption_of(second, replace(one, adoptions=2), at, at)

    assert asked.meta.id == again.meta.id != later.meta.id
    assert asked.ticket == asked.meta.correlation_id == one.ticket
