"""Incident channels in Slack: made once, found again by name, archived."""

from collections.abc import Awaitable, Mapping
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

_PAGE = 1000
_GENERATIONS = 9
"""An archived channel keeps its name and a bot cannot bring it back: a reopened escalation gets `…-2`, and so on."""


class SlackRooms:
    """Finds, makes and archives channels by name; lets Slack's errors through."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def open(self, name: str, members: tuple[str, ...]) -> str:
        """Return the id of the open channel of that name, made if it is not there, with the members in it."""
        place = await self.find(name) or await self._create(name)
        await self._invite(place, members)
        return place

    async def find(self, name: str) -> str | None:
        """Return the id of the channel of that name that is not archived, or None."""
        names = set(_names(name))
        cursor = ""
        while True:
            page = await self._client.conversations_list(
                exclude_archived=True, limit=_PAGE, types="public_channel", cursor=cursor
            )
            channels: list[Mapping[str, Any]] = page.get("channels", [])
            for channel in channels:
                if channel.get("name") in names and not channel.get("is_archived"):
                    return str(channel["id"])
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return None

    async def archive(self, place: str) -> None:
        """Archive the channel; repeating it is harmless."""
        await _tolerating(self._client.conversations_archive(channel=place), "already_archived")

    async def _create(self, name: str) -> str:
        *earlier, last = _names(name)
        for each in earlier:
            try:
                made = await self._client.conversations_create(name=each)
            except SlackApiError as error:
                if error.response.get("error") != "name_taken":
                    raise
            else:
                return str(made["channel"]["id"])
        made = await self._client.conversations_create(name=last)
        return str(made["channel"]["id"])

    async def _invite(self, place: str, members: tuple[str, ...]) -> None:
        # One by one: somebody who left the company must not keep the others out.
        for member in members:
            await _tolerating(
                self._client.conversations_invite(channel=place, users=member),
                "already_in_channel",
                "cant_invite_self",
                "user_is_restricted",
                "user_not_found",
            )


async def _tolerating(call: Awaitable[AsyncSlackResponse], *errors: str) -> None:
    try:
        await call
    except SlackApiError as error:
        if error.response.get("error") not in errors:
            raise


def _names(name: str) -> list[str]:
    return [name, *(f"{name}-{number}" for number in range(2, _GENERATIONS + 1))]
