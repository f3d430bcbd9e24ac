"""Puts the classifier together: settings, tables, handler, and the order in which they start."""

from chassis.consumer import Consumer, Hooks, Subscription
from chassis.lifecycle import Lifecycle
from chassis.metrics import ConsumerMetrics
from chassis.records import TopicPartition
from policy.cel import check_criteria
from schemas.catalogue import ACCOUNTS, CLASSIFICATIONS, POLICIES, TICKETS
from schemas.reference_data import AccountRecorded, PolicyPublished
from schemas.tickets import TicketEvent
from services.classifier.adapters.in_memory import InMemoryAccounts
from services.classifier.adapters.kafka_beginning import KafkaBeginning
from services.classifier.adapters.kafka_tickets import KafkaTickets
from services.classifier.config import ClassifierSettings
from services.classifier.domain.rule_judge import RuleJudge
from services.classifier.handlers import PRODUCER, Classifier
from services.classifier.metrics import ClassifierMetrics
from services.classifier.stream import ClassifierStream, KafkaOutput, ProgressTeller
from wire.foundation import Foundation, lay_foundation
from wire.reference_data import PolicyRegistry

_RECORDS_AT_ONCE = 200


async def build(life: Lifecycle, settings: ClassifierSettings) -> None:
    """Start the classifier's parts in order; raises StartUpError naming what is missing."""
    ground = await lay_foundation(life, PRODUCER, settings, writes=(CLASSIFICATIONS,))
    metrics = ClassifierMetrics(ground.registry)
    policies = await _policies(ground)
    accounts = await _accounts(ground, metrics)
    output = KafkaOutput(ground.producer, ground.wire.wire)
    stream = ClassifierStream(Classifier(RuleJudge(), accounts), policies, output, ground.clock, metrics)
    await _settle_beginning(ground, settings)
    consumer = _consumer(ground, settings, stream)
    ground.health.add_check("consumer", consumer.check)
    life.start("consumer", consumer)
    life.start("progress", ProgressTeller(consumer, stream.done, output, ground.clock, metrics))


async def _policies(ground: Foundation) -> PolicyRegistry:
    policies = PolicyRegistry(complaints=lambda policy: check_criteria(policy.criteria))
    await ground.read_first(ground.wire.table(POLICIES, PolicyPublished, policies.fold))
    return policies


async def _accounts(ground: Foundation, metrics: ClassifierMetrics) -> InMemoryAccounts:
    accounts = InMemoryAccounts()
    metrics.accounts.set_function(lambda: len(accounts))
    await ground.read_first(
        ground.wire.table(
            ACCOUNTS, AccountRecorded, lambda recorded: accounts.record(recorded.account), accounts.forget
        )
    )
    return accounts


async def _settle_beginning(ground: Foundation, settings: ClassifierSettings) -> None:
    places = [TopicPartition(TICKETS.name, number) for number in range(ground.partitions[TICKETS.name])]
    await KafkaBeginning(settings.kafka, PRODUCER, places).settle(settings.since)


def _consumer(ground: Foundation, settings: ClassifierSettings, stream: ClassifierStream) -> Consumer[TicketEvent]:
    subscription = Subscription(
        service=PRODUCER,
        group=PRODUCER,
        topics=(TICKETS.name,),
        instance_id=ground.member,
        max_records=_RECORDS_AT_ONCE,
    )
    hooks = Hooks(
        metrics=ConsumerMetrics(ground.registry),
        membership=ground.membership,
        on_assigned=stream.reassigned,
        on_revoked=stream.reassigned,
    )
    tickets = KafkaTickets(ground.wire)
    return Consumer(settings.kafka, subscription, tickets.ticket_event, stream.handle, ground.producer, hooks)
