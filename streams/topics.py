"""The catalogue of topics: the one table of contents of what Tollgate reads and writes.

Names here are without prefix (`orders.v1`); `full_name` adds the operator's prefix (`vas.` by
default, so that several gates can share a broker). Who writes and reads each topic, and what its
record holds, stands in its schema (`schemas/<name>.avsc`) and is summed up here.

Every per-subscriber topic has the same number of partitions, fixed for life: an order, its reply
and its state must meet on one partition number. Reference topics have one partition: their order
is part of what they say.
"""

from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """How a topic is keyed, partitioned and kept."""

    INPUT = "per subscriber, into the gate"
    REFERENCE = "one partition, kept for ever, read in full by every worker"
    OUTPUT = "per subscriber, out of the gate, in its transactions"
    STATE = "the gate's changelog, compacted"


@dataclass(frozen=True, slots=True)
class Topic:
    """One row of the catalogue; `purpose` names the record, `writers` and `readers` who may."""

    name: str
    kind: Kind
    purpose: str
    writers: str
    readers: str
    config: dict[str, str] = field(default_factory=dict)

    @property
    def has_schema(self) -> bool:
        """Whether values are Avro; dead letters keep the original bytes, state its own framing."""
        return self.kind is not Kind.STATE and self.name != DEAD_LETTERS

    def full_name(self, prefix: str) -> str:
        """The topic's name on the broker."""
        return prefix + self.name


ORDERS = "orders.v1"
REPLIES = "replies.v1"
DELIVERY_REPORTS = "delivery-reports.v1"
SETTLEMENTS = "settlements.v1"
CARE = "care.v1"
TICKS = "ticks.v1"
PROVIDERS = "providers.v1"
CREDITS = "credits.v1"
SERVICES = "services.v1"
POLICIES = "policies.v1"
GATEWAYS = "gateways.v1"
ACTS = "acts.v1"
CONGESTION = "congestion.v1"
MESSAGES = "messages.v1"
CHARGES = "charges.approved.v1"
VERDICTS = "verdicts.v1"
REFUNDS = "refunds.v1"
DECISIONS = "decisions.v1"
ALARMS = "alarms.v1"
DEAD_LETTERS = "dead-letters.v1"
CHANGELOG = "gate-changelog.v1"

# Kept for ever: a replay, a court or a regulator asks for them years later (DESIGN §2, laws 8, 12).
# Time-based retention of inputs and outputs is the operator's (law, contract), set on the topic.
_FOR_EVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}

# Ten times what any centre's record needs; a longer one is a dead letter. What is decided gathers
# (ids of orders that wait on one prompt in one row), and rows and decisions must fit their topics.
INPUT_VALUE_BYTES_MAX = 16_384

# Room for what the largest input (1 MiB) can lead to: whole in a dead letter with Connect's
# headers, or its ids in a decision, a verdict, a row's key.
OUTPUT_BYTES_MAX = 2 * 1024 * 1024
_ROOM = {"max.message.bytes": str(OUTPUT_BYTES_MAX)}

# Tombstones must outlive the longest absence of a store; a store that was away longer is rebuilt
# in full (DESIGN §4). Small segments, so that compaction reaches what a restore would read.
_COMPACTED = _ROOM | {
    "cleanup.policy": "compact",
    "delete.retention.ms": str(7 * 24 * 3600 * 1000),
    "segment.bytes": str(128 * 1024 * 1024),
}

CATALOGUE: tuple[Topic, ...] = (
    Topic(ORDERS, Kind.INPUT, "a subscriber asks for a service", "message centres", "gate"),
    Topic(REPLIES, Kind.INPUT, "the subscriber answers", "SMSC, IVR platform", "gate"),
    Topic(DELIVERY_REPORTS, Kind.INPUT, "what became of a message", "SMSC, dispatcher", "gate"),
    Topic(SETTLEMENTS, Kind.INPUT, "what billing answers", "billing", "gate"),
    Topic(CARE, Kind.INPUT, "what customer care does", "customer care", "gate"),
    Topic(TICKS, Kind.INPUT, "time, as an event", "workers, or the simulator", "gate"),
    Topic(PROVIDERS, Kind.REFERENCE, "service providers", "reference apply", "gate", _FOR_EVER),
    Topic(CREDITS, Kind.REFERENCE, "credit points", "reference apply", "gate", _FOR_EVER),
    Topic(SERVICES, Kind.REFERENCE, "what providers sell", "reference apply", "gate", _FOR_EVER),
    Topic(POLICIES, Kind.REFERENCE, "what is in force", "reference apply", "gate", _FOR_EVER),
    Topic(GATEWAYS, Kind.REFERENCE, "capacities", "reference apply", "dispatcher", _FOR_EVER),
    Topic(ACTS, Kind.REFERENCE, "operators' acts on records", "quarantine", "gate", _FOR_EVER),
    Topic(CONGESTION, Kind.REFERENCE, "congested provinces", "dispatcher", "gate", _FOR_EVER),
    Topic(MESSAGES, Kind.OUTPUT, "messages to subscribers", "gate", "SMSC, IVR platform", _ROOM),
    Topic(CHARGES, Kind.OUTPUT, "approved charges", "gate", "billing", _ROOM),
    Topic(VERDICTS, Kind.OUTPUT, "what providers are told", "gate", "provider gateway", _ROOM),
    Topic(REFUNDS, Kind.OUTPUT, "money to give back", "gate", "billing", _ROOM),
    Topic(
        DECISIONS, Kind.OUTPUT, "the gate's recorded answers", "gate", "audit, reports, care", _ROOM
    ),
    Topic(ALARMS, Kind.OUTPUT, "what an operator must look at", "gate", "operations", _ROOM),
    Topic(DEAD_LETTERS, Kind.OUTPUT, "unreadable records, untouched", "gate", "operations", _ROOM),
    Topic(CHANGELOG, Kind.STATE, "the gate's rows and positions", "gate", "gate", _COMPACTED),
)

BY_NAME = {topic.name: topic for topic in CATALOGUE}

# In this order when times are equal (DESIGN §3).
INPUTS = tuple(topic.name for topic in CATALOGUE if topic.kind is Kind.INPUT)

# The order of a decision's `reference` positions: lasting, so only ever appended to.
REFERENCES = tuple(topic.name for topic in CATALOGUE if topic.kind is Kind.REFERENCE)
