"""For whom words are made: their clock, and whose names are known."""

from datetime import datetime
from zoneinfo import ZoneInfoNotFoundError

import msgspec

from policy.communication_view import PersonView
from policy.roster import Roster
from policy.time_zones import zone_of
from schemas.ids import PersonKey
from services.notifier.domain.recipients import Recipient


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """Who reads, and whose names are known."""

    recipient: Recipient
    roster: Roster

    def time(self, instant: datetime) -> str:
        """Return an instant as it stands on the reader's clock, e.g. `2026-06-02 10:45 CEST`."""
        try:
            zone = zone_of(self.recipient.time_zone)
        except ZoneInfoNotFoundError:
            zone = zone_of("UTC")
        return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")

    def person(self, key: str) -> PersonView:
        """Return somebody of ours; whoever left the roster keeps the key as name."""
        person = self.roster.people.get(PersonKey(key))
        return PersonView(key=key, name=person.name if person else key, role=person.role if person else "Support")
