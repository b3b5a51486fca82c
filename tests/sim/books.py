"""The books of a run: what must hold after every step, by what has become readable since.

They share no code with gate and engine: layouts and rules are read here a second time, from the
contract (of the gate's words they know the class of a reply, as the crowd sends it). What needs a
look at a whole transaction is judged when none is half visible. The whole history is judged once
more at the end, by the auditor (streams.audit) and by replay.
"""

import struct
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from streams import topics
from streams.gate.events import Reply
from tests.sim.crowd import Unsent
from tests.sim.journal import Heard, Journal

POSITIONS_KEY = b"\0positions"
_HEAD = struct.Struct("<BBB16sqqI")
_REPLIES = frozenset(("FIRST_OF_DAY", "EVERY_ORDER"))
_UNASKED = frozenset(("OFF", "SHADOW"))
_YES, _NO = ("y", "yes", "是", "确认", "1"), ("n", "no", "否", "取消")
_KEYED = tuple(name for name in topics.INPUTS if name != topics.TICKS)
_TURNED_AWAY = frozenset(("REPEATED", "CONFLICT", "DEAD_LETTER", "STALE"))


class Violation(Exception):
    """A law was broken, or a worker ended for no fault of this run."""


class Position(NamedTuple):
    """What the last positions record of a partition says."""

    offset: int
    """Of the record, on the changelog."""
    watermark: int
    tick_offset: int
    next: tuple[int, ...]
    references: tuple[int, ...]


def read_position(value: bytes, offset: int) -> Position:
    _, inputs, references, _, watermark, tick_offset, _ = _HEAD.unpack_from(value)
    numbers = struct.unpack_from(f"<{inputs + references}q", value, _HEAD.size)
    return Position(offset, watermark, tick_offset, numbers[:inputs], numbers[inputs:])


class Chain:
    """One partition's decisions so far."""

    def __init__(self) -> None:
        self.sequence = 0
        self.seal = bytes(32)
        self.watermark = 0
        self.next: dict[str, int] = defaultdict(int)
        """By input: the offset whose decision must come next."""
        self.acts = (-1, 0)
        """Offset and index of the last due act."""
        self.ticks: set[int] = set()
        """Offsets of ticks that were set aside: they move no time."""
        self.ticked = (0, 0)
        """How many ticks were looked at, and the latest time among them."""
        self.references = (0,) * len(topics.REFERENCES)


class Books:
    """Everything that a run must keep true; `look` after every step."""

    def __init__(self, journal: Journal, partitions: int) -> None:
        self._partitions = partitions
        self.chains = [Chain() for _ in range(partitions)]
        self.written: dict[tuple[str, int, int], Unsent] = {}
        """Inputs of the driver, by where they lie."""
        self.changelog: list[list[tuple[int, bytes, bytes | None]]] = [
            [] for _ in range(partitions)
        ]
        self.positions: list[Position | None] = [None] * partitions
        self._came: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
        """Of each input's records: its place among all records of the run, and the latest time
        of any record of this input up to it."""
        self._ticks: dict[int, list[tuple[int, int]]] = defaultdict(list)
        """Place and time."""
        self._prompts: dict[str, dict[str, Any]] = {}
        self._replies: dict[tuple[str, str], list[Reply]] = defaultdict(list)
        self._unasked_rules = False
        self._charges: dict[str, dict[str, Any]] = {}
        self._verdicts: dict[tuple[str, str], str] = {}
        self._refunds: set[str] = set()
        self._waiting: dict[tuple[str, str], int] = {}
        self._judge: list[dict[str, Any]] = []
        self._told: list[dict[str, Any]] = []
        self._fresh: list[int] = []
        self._turned_away: set[tuple[int, int]] = set()
        """Partition and offset of orders that were not taken, by their decisions."""
        self.decisions = 0
        self.marks: Counter[str] = Counter()
        self._takes = {
            topics.DECISIONS: self._decision,
            topics.CHARGES: self._charge,
            topics.VERDICTS: self._verdict,
            topics.REFUNDS: self._refund,
            topics.MESSAGES: self._message,
            topics.CHANGELOG: self._state,
            topics.TICKS: self._tick,
        }
        journal.listeners.append(self._hear)

    # -- record by record ------------------------------------------------------------------------

    def _hear(self, heard: Heard) -> None:
        if heard.topic in _KEYED:
            came = self._came[heard.topic, heard.partition]
            at = heard.message.timestamp()[1]
            came.append((heard.order, max(at, came[-1][1]) if came else at))
            return
        take = self._takes.get(heard.topic)
        if take is not None:
            take(heard)

    def write(self, unsent: Unsent, offset: int) -> None:
        """The driver has written an input there."""
        self.written[unsent.topic, unsent.partition, offset] = unsent
        event = unsent.event
        if isinstance(event, Reply):
            self._replies[event.msisdn, event.reply_id].append(event)

    def allow_unasked(self, *, allowed: bool) -> None:
        """Whether any policy so far has a rule that charges without asking."""
        self._unasked_rules = self._unasked_rules or allowed

    def _tick(self, heard: Heard) -> None:
        self._ticks[heard.partition].append((heard.order, heard.message.timestamp()[1]))

    def _decision(self, heard: Heard) -> None:
        chain, said = self.chains[heard.partition], heard.fields
        where = f"decision {heard.partition}/{said['sequence']}"
        self.decisions += 1
        if said["sequence"] != chain.sequence:
            raise Violation(f"{where}: a hole, {chain.sequence} must come next")
        chain.sequence += 1
        value = heard.message.value()
        assert isinstance(value, bytes)
        leaf = blake2b(value[:-32], key=value[-48:-32], digest_size=32).digest()
        chain.seal = blake2b(chain.seal + leaf, digest_size=32).digest()
        if value[-32:] != chain.seal:
            raise Violation(f"{where}: its seal is not onto the one before")
        if said["watermark"] < chain.watermark:
            raise Violation(f"{where}: the watermark goes back")
        chain.watermark = said["watermark"]
        references = tuple(said["reference"])
        if any(now < then for now, then in zip(references, chain.references, strict=True)):
            raise Violation(f"{where}: the reference positions go back")
        chain.references = references
        self._cause(where, chain, said)
        if said["reason"] in ("PROMPTED", "WAITING"):
            key = heard.message.key()
            assert isinstance(key, bytes)
            self._waiting[key.decode(), said["order_id"]] = heard.partition

    def _cause(self, where: str, chain: Chain, said: dict[str, Any]) -> None:
        cause = said["cause"]
        topic, number, offset, index = (
            cause["topic"],
            cause["partition"],
            cause["offset"],
            cause["index"],
        )
        if topic in topics.REFERENCES:
            self.marks["recovery: a reference fault is buried"] += 1
            if said["evidence"]:
                self.marks["recovery: a reference record is set aside"] += 1
            return
        if any(each["topic"] == topics.ACTS for each in said["evidence"]):
            self.marks["recovery: a record is set aside"] += 1
        if topic == topics.TICKS and index == 0:
            if offset in chain.ticks:
                raise Violation(f"{where}: tick {offset} was decided before")
            chain.ticks.add(offset)
        elif topic == topics.TICKS:
            last, acts = chain.acts
            if offset < last or index != (acts + 1 if offset == last else 1):
                raise Violation(f"{where}: due act {index} of tick {offset} is out of its order")
            chain.acts = offset, index
            self._all_taken_before(where, chain, number, offset)
        else:
            if offset != chain.next[topic]:
                raise Violation(
                    f"{where}: {topic}[{number}]@{offset} is decided where "
                    f"{chain.next[topic]} must be"
                )
            chain.next[topic] = offset + 1
            if topic == topics.ORDERS and said["reason"] in _TURNED_AWAY:
                self._turned_away.add((number, offset))

    def _all_taken_before(self, where: str, chain: Chain, number: int, tick: int) -> None:
        """What lay in the log before the tick, and is not of a later time (writers that stamp
        their own records may be ahead), was decided before anything that the tick causes.
        """
        place, at = self._ticks[number][tick]
        for topic in _KEYED:
            came, taken = self._came[topic, number], chain.next[topic]
            if taken < len(came) and came[taken][0] < place and came[taken][1] <= at:
                raise Violation(f"{where}: tick {tick} was acted on before {topic}@{taken}")

    def _charge(self, heard: Heard) -> None:
        charge = heard.fields
        name = charge["charge_id"]
        if name in self._charges:
            raise Violation(f"charge {name} is there twice")
        self._charges[name] = charge
        self._judge.append(charge)

    def _verdict(self, heard: Heard) -> None:
        verdict = heard.fields
        self._told.append(verdict)
        if verdict["reason"] == "STALE":
            return  # the one verdict that an id of long ago may have besides
        order = verdict["msisdn"], verdict["order_id"]
        if order in self._verdicts:
            raise Violation(f"order {order[1]} has two verdicts")
        self._verdicts[order] = verdict["outcome"]

    def _refund(self, heard: Heard) -> None:
        name = heard.fields["refund_id"]
        if name in self._refunds:
            raise Violation(f"refund {name} is there twice")
        self._refunds.add(name)

    def _message(self, heard: Heard) -> None:
        if heard.fields["kind"] == "PROMPT":
            self._prompts[heard.fields["prompt_id"]] = heard.fields

    def _state(self, heard: Heard) -> None:
        key, value = heard.message.key(), heard.message.value()
        assert isinstance(key, bytes)
        assert value is None or isinstance(value, bytes)
        self.changelog[heard.partition].append((heard.offset, key, value))
        if value is None and key[:1] in b"oec":
            self.marks["recovery: a row is swept"] += 1
        if key == POSITIONS_KEY:
            assert value is not None
            position = read_position(value, heard.offset)
            before = self.positions[heard.partition]
            self.positions[heard.partition] = position
            self._fresh.append(heard.partition)
            if before is not None and (
                position.watermark < before.watermark
                or any(now < then for now, then in zip(position.next, before.next, strict=True))
            ):
                raise Violation(f"the positions of partition {heard.partition} go back")

    # -- when no transaction is half visible ------------------------------------------------------

    def settle(
        self, offsets: Mapping[tuple[str, int], int], prefix: str, *, is_exact: bool
    ) -> None:
        """Judge what needs whole transactions; `offsets` are the group's committed ones.

        `is_exact`: none is pending, and nobody has reset one.
        """
        charges, self._judge = self._judge, []
        for charge in charges:
            self._consented(charge)
        told, self._told = self._told, []
        for verdict in told:
            self._verdict_fits(verdict)
        fresh, self._fresh = self._fresh, []
        for number in sorted(set(fresh)):
            self._position_fits(number)
        for number, position in enumerate(self.positions):
            for place, topic in enumerate(topics.INPUTS):
                offset = offsets.get((prefix + topic, number))
                if offset is not None and (position is None or offset > position.next[place]):
                    raise Violation(
                        f"the group is at {offset} of {topic}[{number}], ahead of what was decided"
                    )
                if is_exact and offset is not None and position and offset != position.next[place]:
                    raise Violation(
                        f"the group is at {offset} of {topic}[{number}], decided up to "
                        f"{position.next[place]}"
                    )

    def _position_fits(self, number: int) -> None:
        position, chain = self.positions[number], self.chains[number]
        assert position is not None
        for place, topic in enumerate(topics.INPUTS):
            if topic != topics.TICKS and position.next[place] != chain.next[topic]:
                raise Violation(
                    f"positions of partition {number}: {topic} at {position.next[place]}, "
                    f"decided up to {chain.next[topic]}"
                )
        taken = position.next[topics.INPUTS.index(topics.TICKS)]
        seen, latest = chain.ticked
        for offset in range(seen, taken):
            if offset not in chain.ticks:
                latest = max(latest, self._ticks[number][offset][1])
        chain.ticked = taken, latest
        if position.watermark != latest:
            raise Violation(
                f"the watermark of partition {number} is {position.watermark}, the ticks taken "
                f"say {latest}"
            )
        if position.watermark:
            tick = position.tick_offset
            if tick >= taken or self._ticks[number][tick][1] != position.watermark:
                raise Violation(f"the watermark of partition {number} is not of tick {tick}")
            self._all_taken_before(f"positions of partition {number}", chain, number, tick)

    def _consented(self, charge: dict[str, Any]) -> None:
        """Law 1, by a simple reading of what was asked and answered."""
        name = charge["charge_id"]
        verdict = self._verdicts.get((charge["msisdn"], charge["order_id"]))
        if verdict != "APPROVED":
            raise Violation(f"charge {name}: its verdict is {verdict}")
        if charge["confirmation"] in _UNASKED:
            if not self._unasked_rules:
                raise Violation(f"charge {name}: no policy lets anybody be charged unasked")
            return
        prompt = self._prompts.get(charge["prompt_id"] or "")
        if prompt is None:
            raise Violation(f"charge {name}: nobody was asked")
        said = self._replies.get((charge["msisdn"], charge["reply_id"] or ""), [])
        if not any(_is_yes(prompt, reply) for reply in said):
            raise Violation(f"charge {name}: nobody said yes")
        if (prompt["msisdn"], prompt["provider_id"]) != (charge["msisdn"], charge["provider_id"]):
            raise Violation(f"charge {name}: somebody else was asked")
        if not prompt["issued_at"] <= charge["consented_at"] < prompt["expires_at"]:
            raise Violation(f"charge {name}: the yes came outside the prompt's life")

    def _verdict_fits(self, verdict: dict[str, Any]) -> None:
        base = blake2b(
            f"{verdict['msisdn']}|{verdict['order_id']}".encode(), digest_size=16
        ).hexdigest()
        if verdict["outcome"] == "APPROVED" and f"c-{base}" not in self._charges:
            raise Violation(f"verdict {verdict['verdict_id']} approves what is not charged")

    def has_decided(self, topic: str) -> bool:
        """Whether any record of an input was decided."""
        return any(chain.next[topic] for chain in self.chains)

    def waiting(self) -> list[str]:
        """Orders that were asked about and have no verdict."""
        left = [order for order in self._waiting if order not in self._verdicts]
        self._waiting = {order: self._waiting[order] for order in left}
        return [order_id for _, order_id in left]

    # -- at the end ------------------------------------------------------------------------------

    def close(self, ends: Mapping[tuple[str, int], int]) -> None:
        """Everything is decided, nobody waits; `ends` are the inputs' ends by (topic, number)."""
        for (topic, number), end in ends.items():
            if topic in _KEYED and self.chains[number].next[topic] != end:
                raise Violation(
                    f"{topic}[{number}] ends at {end}, decided up to "
                    f"{self.chains[number].next[topic]}"
                )
        for waiting in self.waiting():
            raise Violation(f"order {waiting} waits for ever")
        for (topic, number, offset), unsent in self.written.items():
            if topic == topics.ORDERS and unsent.event is not None:
                order = unsent.event.msisdn, unsent.event[0]
                if order not in self._verdicts and (number, offset) not in self._turned_away:
                    raise Violation(f"order {order[1]} has no verdict")


def _is_yes(prompt: dict[str, Any], reply: Reply) -> bool:
    """Whether a person would take this text for a yes to that prompt."""
    text = unicodedata.normalize("NFKC", reply.text).casefold()
    words = [word for word in text.replace(",", " ").split() if word]
    code = (prompt["reply_code"] or "").casefold()
    joined = "".join(words)
    if any(joined.startswith(no) and not joined.startswith(_YES) for no in _NO):
        return False
    return (
        joined == code
        or joined.removesuffix(code).strip() in _YES
        or (bool(code) and joined.replace(code, "") in ("", *_YES))
        or joined in _YES
    )
