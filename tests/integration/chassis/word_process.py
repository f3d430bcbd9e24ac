"""A consumer as a process of its own, to be killed: tells on stdout every word it handled, a line each.

It waits for a line on stdin before each batch. Arguments: bootstrap servers, topic, group.
"""

import asyncio
import sys

from chassis.consumer import Consumer, Subscription
from chassis.producer import Producer
from chassis.records import Batch
from chassis.settings import KafkaSettings
from tests.integration.chassis.workbench import SERVICE, decode_text


async def tell(batch: Batch[str]) -> None:
    """Print what came, once it may."""
    await asyncio.to_thread(sys.stdin.readline)
    for item in batch.items:
        sys.stdout.write(f"{item.message}\n")
        sys.stdout.flush()


async def main(bootstrap: str, topic: str, group: str) -> None:
    """Run until killed."""
    settings = KafkaSettings(bootstrap_servers=bootstrap, session_timeout_ms=6000)
    subscription = Subscription(service=SERVICE, group=group, topics=(topic,), instance_id=f"{group}-0", max_records=10)
    async with Producer(settings, "words") as producer:
        await Consumer(settings, subscription, decode_text, tell, producer).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
