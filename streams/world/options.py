"""What a person may ask of the world, and what it reports back.

Law: options are checked before anything is published; a fault is one sentence with its name.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from streams.world.mix import DEFAULT_MIX, Mix, validated

RATE_MAX = 20_000.0  # orders a second; one process cannot publish more
SUBSCRIBERS_MAX = 10_000_000  # each one met is remembered, about 0.5 KB
SPEED_MAX = 3600.0  # an hour in a second: beyond it an answer no longer fits a prompt's life


class OptionsError(ValueError):
    """An option that cannot be; its text says which and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How much happens outside, and to whom.

    `rate` counts orders as subscribers place them. What follows from them comes on top: prompts
    are reported and answered, charges settled, some records sent twice; with the example
    catalogue about 3 records an order in all. Rate, duration and patience are in the world's
    time, which under simulated time runs `speed` times as fast as the machine's.
    """

    rate: float = 300.0  # orders a second
    duration: timedelta = timedelta(seconds=60)  # of placing orders; what follows takes longer
    seed: int = 1
    subscribers: int = 3000
    mix: Mix = DEFAULT_MIX
    pace: float = 1.0  # shortens people's delays: 0.1 answers in a tenth of the usual time
    # How long the last verdict may take after the last prompt's end, before we give up.
    patience: timedelta = timedelta(seconds=60)
    speed: float = 60.0  # simulated seconds a second; simulated time only

    def checked(self) -> "Options":
        """These options, or an OptionsError that says what cannot be."""
        validated(self.mix)
        for name, value, high in (
            ("rate", self.rate, RATE_MAX),
            ("subscribers", self.subscribers, SUBSCRIBERS_MAX),
            ("pace", self.pace, 1.0),
            ("speed", self.speed, SPEED_MAX),
            ("duration", self.duration.total_seconds(), 86_400.0),
            ("patience", self.patience.total_seconds(), 86_400.0),
        ):
            if not 0 < value <= high:
                raise OptionsError(f"{name}: {value:g} is refused, expected above 0 to {high:g}")
        return self


@dataclass(slots=True)
class Tally:
    """What the world has done and seen so far."""

    published: Counter[str] = field(default_factory=Counter)  # records by topic, without ticks
    duplicates: int = 0  # records sent twice
    malformed: Counter[str] = field(default_factory=Counter)  # by kind
    orders: int = 0  # readable ones, each owed a verdict
    replies: Counter[str] = field(default_factory=Counter)  # by the subscriber's temper
    said: Counter[str] = field(default_factory=Counter)  # the same, by the way of saying it
    care: Counter[str] = field(default_factory=Counter)  # care actions, by kind
    careless: Counter[str] = field(default_factory=Counter)  # those that cannot be done
    messages: Counter[str] = field(default_factory=Counter)  # by kind
    reports: Counter[str] = field(default_factory=Counter)  # by status
    approved: int = 0
    refused: Counter[str] = field(default_factory=Counter)  # by reason
    verdicts_repeated: int = 0
    charges: int = 0
    charges_repeated: int = 0
    collected_minor: dict[str, int] = field(default_factory=dict)  # by currency
    refunds: Counter[str] = field(default_factory=Counter)  # by what billing made of them
    refunds_repeated: int = 0
    returned_minor: dict[str, int] = field(default_factory=dict)  # by currency
    missettled: Counter[str] = field(default_factory=Counter)  # settlements that contradict
    waiting: int = 0  # orders without a verdict
    world_seconds: float = 0.0

    @property
    def events(self) -> int:
        """All records published, ticks left out."""
        return sum(self.published.values())


@dataclass(frozen=True, slots=True)
class Summary:
    """How a simulation ended; `trouble` is one sentence when it did not end drained."""

    tally: Tally
    seconds: float  # of the machine, from the first order to the end
    publishing_seconds: float  # of the machine, while orders were placed
    publishing_events: int  # records published in them
    trouble: str | None

    @property
    def drained(self) -> bool:
        """Whether every order has its verdict, once, and billing was given everything once."""
        return self.trouble is None

    @property
    def events_per_second(self) -> float:
        """Records published a second while orders were placed."""
        return self.publishing_events / max(self.publishing_seconds, 0.001)
