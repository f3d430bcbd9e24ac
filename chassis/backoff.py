"""How long to wait before the next try: longer each time, never all at once."""

import random


def backoff_seconds(attempt: int, first: float = 0.1, most: float = 10.0) -> float:
    """Return the seconds before try `attempt` (from 1): doubling up to `most`, less up to half of it by chance.

    The chance spreads replicas that failed together (AWS Architecture Blog, "Exponential Backoff And Jitter").
    """
    longest = min(most, first * 2.0 ** min(attempt - 1, 30))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
