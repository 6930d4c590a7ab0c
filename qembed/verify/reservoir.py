"""Measurements of a run of any length in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ROWS = 10_000


class Reservoir:
    """Keeps all rows up to `ROWS`; of more, a random choice in which each is as likely as another.

    Attributes
    ----------
    least, most : int64 ndarray, shape (columns,)
        Over every row that was added; zeros before the first.
    """

    def __init__(self, columns: int) -> None:
        self._kept = np.zeros((0, columns), np.int64)
        self._random = np.random.default_rng(0)
        self._added = 0
        self.least = np.zeros(columns, np.int64)
        self.most = np.zeros(columns, np.int64)

    @property
    def rows(self) -> NDArray[np.int64]:
        """What was kept, shape (n, columns)."""
        return self._kept[: min(self._added, ROWS)]

    def add(self, row: Sequence[int]) -> None:
        """Add a row."""
        values = np.array(row, np.int64)
        self.least = np.minimum(self.least, values) if self._added else values
        self.most = np.maximum(self.most, values)
        if self._added == len(self._kept) < ROWS:
            room = np.zeros((min(max(64, self._added), ROWS - self._added), len(values)), np.int64)
            self._kept = np.concatenate([self._kept, room])
        place = self._added if self._added < ROWS else int(self._random.integers(self._added + 1))
        if place < ROWS:
            self._kept[place] = values
        self._added += 1
