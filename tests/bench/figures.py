"""Computes figures from samples: medians over rounds, differences and ratios within a round, and their ranges."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

RESAMPLES = 500
BUSY = 0.85         # a process that uses this share of its CPU limits the throughput


@dataclass(frozen=True)
class Estimate:
    """A figure, and the range that has it in nine of ten resamples of the same rounds (bootstrap)."""

    value: float
    low: float
    high: float


class Rounds:
    """The samples of one scenario. A disturbance of the machine affects a whole round, so samples are compared within a round."""

    def __init__(self, runs: Iterable[dict[str, Any]]) -> None:
        self._samples: dict[tuple[str, str], dict[int, float]] = {}
        for run in runs:
            for figure, value in run["sample"].items():
                self._samples.setdefault((run["variant"], figure), {})[run["round"]] = value
        self._picked = sorted({number for samples in self._samples.values() for number in samples})

    def has(self, variant: str, figure: str) -> bool:
        """Whether the figure of the variant was measured."""
        return (variant, figure) in self._samples

    def figures(self) -> list[str]:
        """The figures that were measured."""
        return list(dict.fromkeys(figure for _, figure in self._samples))

    def variants(self) -> list[str]:
        """The variants that were measured."""
        return list(dict.fromkeys(variant for variant, _ in self._samples))

    def _of(self, variant: str, figure: str) -> list[float]:
        samples = self._samples[variant, figure]
        return [samples[number] for number in self._picked]

    # === figures ===

    def median(self, variant: str, figure: str) -> float:
        """The median of the figure over all rounds."""
        return statistics.median(self._of(variant, figure))

    def spread(self, variant: str, figure: str) -> float:
        """Half the interquartile range over the rounds, as a share of the median."""
        samples = self._of(variant, figure)
        if len(samples) < 2:
            return 0.0
        low, median, high = statistics.quantiles(samples, n=4, method="inclusive")
        return (high - low) / 2 / abs(median or 1)

    def ratio(self, variant: str, base: str, figure: str) -> float:
        """The median ratio of `variant` to `base`."""
        pairs = zip(self._of(variant, figure), self._of(base, figure))
        return statistics.median(mine / theirs for mine, theirs in pairs)

    def added(self, variant: str, figure: str, base: str = "envoy") -> float:
        """The median difference between `variant` and `base`, by default Envoy alone."""
        pairs = zip(self._of(variant, figure), self._of(base, figure))
        return statistics.median(mine - theirs for mine, theirs in pairs)

    def added_ratio(self, variant: str, base: str, figure: str) -> float:
        """The ratio of what `variant` adds to Envoy to what `base` adds; infinite if `base` adds nothing measurable."""
        added = self.added(base, figure)
        return self.added(variant, figure) / added if added > 0 else math.inf

    # === ranges ===

    def estimate(self, ask: Callable[["Rounds"], float]) -> Estimate:
        """The figure that `ask` computes, with its range."""
        draw = random.Random(1)
        resampled = Rounds([])
        resampled._samples = self._samples
        answers = []
        for _ in range(RESAMPLES):
            resampled._picked = draw.choices(self._picked, k=len(self._picked))
            answers.append(ask(resampled))
        answers.sort()
        return Estimate(ask(self), answers[RESAMPLES // 20], answers[-RESAMPLES // 20 - 1])
