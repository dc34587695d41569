"""What a metric is: a name, a type, and how its numbers are read."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from gatewayd.metrics.reading import Read

UNITS = ("seconds", "bytes", "dbfs", "hertz")


class Kind(str, Enum):
    """What a metric is, in the words of OpenMetrics."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    STATE_SET = "stateset"
    INFO = "info"


@dataclass(frozen=True)
class Family:
    """A metric. Those with the label `station` are read from each station's part of the answer."""

    name: str
    kind: Kind
    text: str
    read: Read
    labels: tuple[str, ...] = ("station",)

    @property
    def unit(self) -> str:
        """What its numbers are in, which is the last word of its name; empty for plain counts."""
        last = self.name.rpartition("_")[2]
        return last if last in UNITS else ""
