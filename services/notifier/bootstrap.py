"""Puts the notifier together: settings, ledger, channels, tables, handlers, and the order in which they start."""

import logging
from datetime import timedelta

from chassis.consumer import Consumer, Hooks, Subscription
from chassis.lifecycle import Lifecycle
from chassis.metrics import ConsumerMetrics
from policy.communication_check import check_communication
from schemas.catalogue import ESCALATIONS, NOTIFICATIONS, POLICIES, ROSTER
from schemas.escalations import StreamEvent
from schemas.reference_data import PolicyPublished, RosterPublished
from services.notifier.adapters.channel_watch import ChannelWatch, WatchedChannel
from services.notifier.adapters.dispatcher import Dispatcher
from services.notifier.adapters.forgetting import Forgetting
from services.notifier.adapters.kafka_beginning import KafkaBeginning
from services.notifier.adapters.kafka_outcomes import KafkaOutcomes
from services.notifier.adapters.outcome_relay import OutcomeRelay
from services.notifier.adapters.registry import open_channels
from services.notifier.adapters.sink import SinkChannel
from services.notifier.adapters.sql_ledger import SqlLedger
from services.notifier.config import NotifierSettings
from services.notifier.domain.delivery import Patience
from services.notifier.domain.outcomes import PRODUCER
from services.notifier.handlers import Deliverer, Outlets, Planner
from services.notifier.metrics import NotifierMetrics
from services.notifier.stream import NotifierStream
from wire.foundation import Foundation, lay_foundation
from wire.reference_data import PolicyRegistry, RosterRegistry

log = logging.getLogger(__name__)


async def build(life: Lifecycle, settings: NotifierSettings) -> None:
    """Start the notifier's parts in order; raises StartUpError naming what is missing."""
    ground = await lay_foundation(life, PRODUCER, settings, writes=(NOTIFICATIONS,))
    metrics = NotifierMetrics(ground.registry)
    ledger = await life.enter(SqlLedger(settings.notifier_ledger_url.get_secret_value()))
    planner = await _planner(ground, ledger)
    watch = ChannelWatch(metrics)
    outlets = await _outlets(life, settings, watch)
    deliverer = Deliverer(ledger, outlets, Patience(attempts=settings.notifier_attempts))
    relay = OutcomeRelay(ledger, KafkaOutcomes(ground.producer, ground.wire.wire), metrics)
    dispatcher = Dispatcher(
        ledger, deliverer, ground.clock, metrics, lanes=settings.notifier_lanes, concluded=relay.wake
    )
    stream = NotifierStream(planner, ledger, dispatcher, relay, ground.clock, metrics)
    consumer = _consumer(ground, settings, stream, ledger)
    ground.health.add_check("ledger", ledger.check)
    ground.health.add_check("outcomes", relay.check)
    ground.health.add_check("channels", watch.check)
    ground.health.add_check("consumer", consumer.check)
    # Ends in the reverse order: what is being sent when the partitions go is still recorded and published.
    life.start("forgetting", Forgetting(ledger, timedelta(days=settings.notifier_ledger_days)))
    life.start("outcomes", relay)
    life.start("dispatcher", dispatcher)
    life.start("consumer", consumer)


async def _planner(ground: Foundation, ledger: SqlLedger) -> Planner:
    policies = PolicyRegistry(complaints=lambda policy: check_communication(policy.communication))
    rosters = RosterRegistry()
    await ground.read_first(ground.wire.table(POLICIES, PolicyPublished, policies.fold))
    await ground.read_first(ground.wire.table(ROSTER, RosterPublished, rosters.fold))
    return Planner(policies, rosters, ledger)


async def _outlets(life: Lifecycle, settings: NotifierSettings, watch: ChannelWatch) -> Outlets:
    channels = [WatchedChannel(channel, watch) for channel in await life.enter(open_channels(settings))]
    names = ", ".join(channel.name for channel in channels)
    log.info("%s", f"channels: {names}" if names else "everything goes to the local sink")
    return Outlets(channels, SinkChannel(settings.notifier_sink_file, log.info))


def _consumer(
    ground: Foundation, settings: NotifierSettings, stream: NotifierStream, ledger: SqlLedger
) -> Consumer[StreamEvent]:
    subscription = Subscription(
        service=PRODUCER,
        group=PRODUCER,
        topics=(ESCALATIONS.name,),
        instance_id=ground.member,
        from_beginning=False,
        kept_for_ever=frozenset({ESCALATIONS.name}),
    )
    hooks = Hooks(
        positions=KafkaBeginning(settings.kafka, ledger, settings.since),
        metrics=ConsumerMetrics(ground.registry),
        membership=ground.membership,
        on_assigned=stream.assigned,
        on_revoked=stream.revoked,
    )
    decode = ground.wire.reader_of(StreamEvent)
    return Consumer(settings.kafka, subscription, decode, stream.handle, ground.producer, hooks)
