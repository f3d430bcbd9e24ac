"""The stage: a turned clock, an in-memory bus between the services, and the instants at which something happens."""

from collections import deque
from datetime import UTC, datetime

from chassis.clock import ManualClock
from ops.running_escalations import RunningEscalations, adoption_of
from ops.scenario.acting import Cast
from ops.scenario.language import Down, PolicyPublishedWith, Story, When
from ops.scenario.matching import Observation, differences
from ops.scenario.observing import Observer
from ops.scenario.players import ClassifierPlayer, MonitorPlayer, NotifierPlayer, Player, RouterPlayer
from ops.scenario.setting import Setting
from schemas.catalogue import COMMANDS, topic_of
from schemas.codec import Codec, SchemaBook
from schemas.message import Message
from wire.reference_data import PolicyRegistry, RosterRegistry

_ROUNDS_AT_AN_INSTANT = 1000
"""A story in which an instant does not come to rest is a fault of ours."""


class World:
    """Plays one story. Every message passes through the codec, as it would on the wire."""

    def __init__(self, story: Story, setting: Setting, codec: Codec) -> None:
        self._story = story
        self._codec = codec
        self._cast = Cast()
        self._observer = Observer()
        self._published = setting.published
        self._policies = policies = PolicyRegistry([setting.policy])
        self._running = RunningEscalations()
        rosters = RosterRegistry(setting.roster)
        self._router = RouterPlayer(policies, rosters)
        self._players: dict[str, Player] = {
            "classifier": ClassifierPlayer(policies, setting, self._cast),
            "router": self._router,
            "sla_monitor": MonitorPlayer(policies),
            "notifier": NotifierPlayer(policies, rosters, setting.unreachable),
        }
        self._inboxes: dict[tuple[str, str], deque[Message]] = {}
        self._down: dict[str, datetime] = {}
        self._clock = ManualClock(min((when.arrives for when in story.when), default=story.until))

    async def play(self) -> list[Observation]:
        """Play the story to its end and return what happened."""
        waiting = deque(sorted(self._story.when, key=lambda when: when.arrives))
        while (instant := self._next_instant(waiting)) is not None:
            self._clock.turn_to(max(instant, self._clock.now()))
            while waiting and waiting[0].arrives <= self._clock.now():
                self._happen(waiting.popleft())
                await self._handle_all()
            await self._come_to_rest()
        return self._observer.seen

    def _next_instant(self, waiting: deque[When]) -> datetime | None:
        """Return when something happens next, by a fact, a clock or a return; None when the story is over."""
        instants = [when.arrives for when in list(waiting)[:1]]
        instants += self._down.values()
        instants += [
            wakes_at
            for name, player in self._players.items()
            if self._is_up(name) and (wakes_at := player.wakes_at()) is not None
        ]
        instant = min(instants, default=None)
        return None if instant is None or instant > self._story.until else instant

    def _happen(self, when: When) -> None:
        if isinstance(when.act, Down):
            self._down[when.act.service] = when.act.until
        elif isinstance(when.act, PolicyPublishedWith):
            self._publish_policy(when, running=when.act.running)
        else:
            self._publish(self._cast.message(when, self._clock.now()))

    def _publish_policy(self, when: When, *, running: bool) -> None:
        published = self._published[when.line]
        self._policies.add(published)
        if running:
            for one in list(self._running.held_to_others(published.version)):
                self._publish(adoption_of(published.version, one, when.at, self._clock.now()))

    async def _come_to_rest(self) -> None:
        """Let the facts of this instant be handled, then what falls due at it, until nothing follows any more."""
        now = self._clock.now()
        self._down = {name: until for name, until in self._down.items() if until > now}
        for _ in range(_ROUNDS_AT_AN_INSTANT):
            await self._handle_all()
            if not await self._wake_all():
                return
        raise RuntimeError(f"{self._story.path}: {now.isoformat()} does not come to rest")

    async def _wake_all(self) -> bool:
        said = False
        for name, player in self._players.items():
            wakes_at = player.wakes_at()
            is_due = wakes_at is not None and wakes_at <= self._clock.now()
            if self._is_up(name) and (is_due or name == "classifier"):
                messages = await player.wake(self._clock.now())
                for message in messages:
                    self._publish(message)
                said = said or (is_due and bool(messages))
        await self._handle_all()
        return said

    async def _handle_all(self) -> None:
        """Offer every waiting message once and again, until no service that is up can take another."""
        moved = True
        while moved:
            moved = False
            for (name, _), inbox in list(self._inboxes.items()):
                if name == "router" and self._is_up(name):
                    self._router.arrived(inbox, self._clock.now())
                while inbox and self._is_up(name) and await self._handled(name, inbox[0]):
                    inbox.popleft()
                    moved = True

    async def _handled(self, name: str, message: Message) -> bool:
        commands = self._inboxes.get(("router", COMMANDS.name))
        self._router.commands_waiting = bool(commands)
        followed = await self._players[name].take(message, self._clock.now())
        for outgoing in followed or ():
            self._publish(outgoing)
        return followed is not None

    def _publish(self, message: Message) -> None:
        arrived = self._codec.decode(self._codec.encode(message))
        self._observer.watch(arrived, self._clock.now())
        self._running.take(arrived)
        topic = topic_of(type(arrived))
        for reader in topic.readers:
            self._inboxes.setdefault((reader, topic.name), deque()).append(arrived)

    def _is_up(self, name: str) -> bool:
        return self._down.get(name, datetime.min.replace(tzinfo=UTC)) <= self._clock.now()


class Stage:
    """Plays stories one after the other; keeps what is costly to make."""

    def __init__(self) -> None:
        self._codec = Codec(SchemaBook())

    async def play(self, story: Story, setting: Setting) -> list[str]:
        """Return every expectation of the story that was not met; none when it was told right."""
        happened = await World(story, setting, self._codec).play()
        return differences(story, happened)
