"""Builds a Faust app the way it is known to work, each choice explained; the service adds agents and tables."""

from pathlib import Path

import faust

from chassis.settings import KafkaSettings


def build_stream_app(settings: KafkaSettings, name: str, storage: Path, instance_id: str | None = None) -> faust.App:
    """Return an app; declare tables with `key_type=bytes, value_type=bytes`, topics with `raw` serializers."""
    raise NotImplementedError(settings, name, storage, instance_id)
