"""How much of what was put in a line of writes is durable, for who must not go on before."""

import asyncio


class WriteProgress:
    """Counts what was put and what is durable, in the same order; one a line."""

    def __init__(self) -> None:
        self._put = 0
        self._durable = 0
        self._is_in_doubt = False
        self._moved = asyncio.Event()

    def put(self, count: int = 1) -> None:
        """Note that so many more wait."""
        self._put += count

    def settled(self, count: int) -> None:
        """Note that the first so many of those that wait do so no longer."""
        self._durable += count
        self._is_in_doubt = False
        self._tell_moved()

    def doubt(self) -> None:
        """Note that those that wait may never become durable; until some are `settled`."""
        self._is_in_doubt = True
        self._tell_moved()

    async def all_durable(self) -> bool:
        """Wait until all that was put by now is durable and return True; False where that is in doubt."""
        wanted = self._put
        while self._durable < wanted:
            if self._is_in_doubt:
                return False
            await self._moved.wait()
        return True

    def _tell_moved(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
