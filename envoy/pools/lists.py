"""The lists of members that the filter may choose for a request."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import Iterator

from configuration import Member, Pool

ATTEMPTS = 3
HEADER = "x-ai-bridge-pool"


def lists(pool: Pool) -> Iterator[tuple[Member, ...]]:
    """Every ordered list of one to three members that the filter may choose, longest first.

    In the configured order these are at most 25 lists (five members); where any member may be the first, at most 85.
    """
    choose = permutations if pool.by_session else combinations
    for length in range(min(ATTEMPTS, len(pool.members)), 0, -1):
        yield from choose(pool.members, length)


def value_of(pool: Pool, members: tuple[Member, ...]) -> str:
    """The value of `x-ai-bridge-pool` for a list."""
    return f"{pool.provider}/{','.join(each.name for each in members)}"
