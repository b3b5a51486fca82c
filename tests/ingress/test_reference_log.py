"""What is in force of reference data, and what is told, follow from positions alone.

Whatever is read first, in however many turns, by whichever version of the program: one whose code
fails at some records (tests/app/planted.py), and one that is mended and could take them.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gate.catalogue import Catalogue
from streams.gate.reference import OperatorAct, Provider, Service
from streams.gate.words import ActKind
from streams.ingress.acts import QUARANTINED
from streams.ingress.reference_log import FaultyRecord, ReferenceLog
from streams.reference.reader import REFERENCE_FAULT, ReferenceReader
from streams.reference.records import id_of
from streams.topics import ACTS, ORDERS, PROVIDERS, REFERENCES, SERVICES
from tests.app.planted import PLANTED, take
from tests.codec.samples import CODECS
from tests.gate.examples import PROVIDER, SMS_SERVICE

PROVIDER_AT, SERVICE_AT, ACT_AT = map(REFERENCES.index, (PROVIDERS, SERVICES, ACTS))
TOPICS = (PROVIDER_AT, SERVICE_AT, ACT_AT)
_ENCODE = {
    kind: CODECS.encoder(topic, kind)
    for topic, kind in ((PROVIDERS, Provider), (SERVICES, Service), (ACTS, OperatorAct))
}
Told = tuple[str, int, str, str | None]


class Lying(NamedTuple):
    """A record of a reference topic."""

    at: int
    id: bytes
    content: bytes

    def offset(self) -> int:
        return self.at

    def key(self) -> bytes:
        return self.id

    def value(self) -> bytes:
        return self.content

    def headers(self) -> None:
        return None

    def timestamp(self) -> tuple[int, int]:
        return 1, 5


def service(version: int, service_id: str = SMS_SERVICE.service_id, price: int = 100) -> Service:
    """A version of a service."""
    return SMS_SERVICE._replace(service_id=service_id, version=version, price_minor=price)


def act_on(topic: str, offset: int, act_id: str | None = None, version: int = 1) -> OperatorAct:
    """An operator sets a record of reference data aside; without an id it has its usual one."""
    name = f"{topic}-{offset}" if act_id is None else act_id
    return OperatorAct(name, ActKind.QUARANTINE, topic, 0, offset, version, "ops", "ticket 4711")


class World:
    """The records of three topics."""

    def __init__(
        self, providers: Sequence[Any] = (), services: Sequence[Any] = (), acts: Sequence[Any] = ()
    ) -> None:
        self.logs = dict(
            zip(TOPICS, (_lying(each) for each in (providers, services, acts)), strict=True)
        )

    def below(self, counts: Sequence[int]) -> tuple[int, ...]:
        """Positions behind so many records of each of the three."""
        return tuple(
            counts[TOPICS.index(topic)] if topic in TOPICS else 0
            for topic in range(len(REFERENCES))
        )

    @property
    def end(self) -> tuple[int, ...]:
        return self.below([len(self.logs[topic]) for topic in TOPICS])

    def read(self, positions: Sequence[int]) -> ReferenceLog:
        """A worker that starts and reads everything below, topic by topic."""
        log = ReferenceLog(CODECS)
        for topic in TOPICS:
            for message in self.logs[topic][: positions[topic]]:
                log.fold(topic, message)
        return log


def _lying(records: Sequence[Any]) -> list[Lying]:
    return [
        Lying(
            at,
            b"some" if each is None else id_of(each).encode(),
            b"junk" if each is None else _ENCODE[type(each)](each),
        )
        for at, each in enumerate(records)
    ]


def in_force(log: ReferenceLog) -> tuple[Any, ...]:
    """Everything that a catalogue and acts say."""
    catalogue = log.catalogue
    acts = [log.acts.on(ORDERS, 0, offset) for offset in range(8)]
    return dict(catalogue.providers), dict(catalogue.services), dict(catalogue.acts), acts


def told(faults: Iterator[FaultyRecord]) -> list[Told]:
    return [(each.topic, each.offset, each.cause, each.act_id) for each in faults]


# -- one story each ------------------------------------------------------------------------------


def test_an_act_takes_a_record_out_of_force_that_was_in_force() -> None:
    """The version before is in force again, what builds on it is told as no longer the next one."""
    world = World(services=[service(1), service(2), service(3)], acts=[act_on(SERVICES, 1)])
    before, after = world.below([0, 3, 0]), world.end
    log = world.read(before)
    assert log.catalogue.services[SMS_SERVICE.service_id].version == 3
    assert told(log.faults_between(world.below([0, 0, 0]), before)) == []
    log.fold(ACT_AT, world.logs[ACT_AT][0])
    assert log.catalogue.services[SMS_SERVICE.service_id].version == 1
    aside, refused = log.faults_between(before, after)
    assert (aside.offset, aside.cause, aside.act_id) == (1, QUARANTINED, f"{SERVICES}-1")
    assert aside.sentence == f"set aside by ops: ticket 4711 (act {SERVICES}-1)"
    assert aside.value == world.logs[SERVICE_AT][1].content
    assert (refused.offset, refused.cause, refused.act_id) == (2, REFERENCE_FAULT, None)
    assert "comes as version 3, but its next version is 2" in refused.sentence
    assert told(log.faults_between(after, after)) == []


def test_a_record_refused_before_comes_into_force_when_what_was_before_it_is_set_aside() -> None:
    """It was told when it was refused, and nothing more is: as if the other had never been."""
    world = World(services=[service(1), service(1, price=7)], acts=[act_on(SERVICES, 0)])
    before, after = world.below([0, 2, 0]), world.end
    log = world.read(after)
    assert log.catalogue.services[SMS_SERVICE.service_id].price_minor == 7
    assert told(log.faults_between(before, after)) == [(SERVICES, 0, QUARANTINED, f"{SERVICES}-0")]


def test_a_faulty_record_is_told_again_when_it_is_set_aside() -> None:
    """Under another cause; where both lie ahead it is told once, as set aside."""
    world = World(services=[None], acts=[act_on(SERVICES, 0)])
    start, before, after = (world.below(each) for each in ([0, 0, 0], [0, 1, 0], [0, 1, 1]))
    aside = (SERVICES, 0, QUARANTINED, f"{SERVICES}-0")
    [(*_, cause, _)] = told(world.read(before).faults_between(start, before))
    assert cause != QUARANTINED
    assert told(world.read(after).faults_between(before, after)) == [aside]
    assert told(world.read(after).faults_between(start, after)) == [aside]


def test_nothing_is_decided_behind_a_record_that_our_code_fails_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Until an act on it, and on no other record, is there; positions before it may be decided."""
    monkeypatch.setattr(ReferenceReader, "take", take)
    acts = [act_on(SERVICES, 0), act_on(SERVICES, 1)]
    world = World(services=[service(1), service(1, PLANTED)], acts=acts)
    log = world.read(world.below([0, 2, 1]))
    assert log.stop_at(world.below([0, 1, 1])) is None
    failed = log.stop_at(world.below([0, 2, 1]))
    assert failed is not None
    assert (failed.topic, failed.message.offset()) == (SERVICES, 1)
    assert isinstance(failed.why, AssertionError)
    log.fold(ACT_AT, world.logs[ACT_AT][1])
    assert log.stop_at(world.end) is None


def test_an_act_can_be_set_aside_by_a_later_one_and_by_no_other() -> None:
    """As if it had never been; one that sets itself, or one behind it, aside does nothing."""
    acts = [
        act_on(SERVICES, 0),
        act_on(ACTS, 0),
        act_on(ACTS, 2, "itself"),
        act_on(ACTS, 4, "one behind"),
        act_on(ACTS, 1),
    ]
    world = World(services=[service(1)], acts=acts)
    sold = [bool(world.read(world.below([0, 1, count])).catalogue.services) for count in range(6)]
    assert sold == [True, False, True, True, True, False]
    log = world.read(world.end)
    assert told(log.faults_between(world.below([0, 1, 4]), world.end)) == [
        (SERVICES, 0, QUARANTINED, f"{SERVICES}-0"),
        (ACTS, 1, QUARANTINED, f"{ACTS}-1"),
    ]


def test_what_follows_a_record_that_another_version_took_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The version before took the planted one and decided on; this one can't, and it is set aside:
    what is no longer the next version is told, though this one would never have taken it.
    """
    services = [service(1, PLANTED), service(2, PLANTED), service(1, "other")]
    world = World(services=services, acts=[act_on(SERVICES, 0)])
    before = world.below([0, 3, 0])
    by_the_version_before = told(world.read(world.end).faults_between(before, world.end))
    assert by_the_version_before == [
        (SERVICES, 0, QUARANTINED, f"{SERVICES}-0"),
        (SERVICES, 1, REFERENCE_FAULT, None),
    ]
    monkeypatch.setattr(ReferenceReader, "take", _fails_at_version_1)
    assert told(world.read(world.end).faults_between(before, world.end)) == by_the_version_before


_take = ReferenceReader.take


def _fails_at_version_1(self: ReferenceReader, name: str, key: bytes | None, value: bytes) -> Any:
    """The reference reader's, which a first version of the planted service makes fail."""
    record = self.read(name, key, value)
    assert not isinstance(record, Service) or record[0] != PLANTED or record.version > 1
    return _take(self, name, key, value)


# -- whatever the order --------------------------------------------------------------------------


class Reading(NamedTuple):
    """What lies on the topics, in which order it arrives, and where turns of partition 0 end."""

    world: World
    order: list[int]
    """Topics, one for each record."""
    ends: set[int]
    """Numbers of records read."""

    def steps(self) -> Iterator[tuple[ReferenceLog, tuple[int, ...]]]:
        """One worker that reads record by record, and the positions at each end of a turn."""
        log, counts = ReferenceLog(CODECS), dict.fromkeys(TOPICS, 0)
        yield log, self.world.below([0, 0, 0])
        for number, topic in enumerate(self.order, 1):
            log.fold(topic, self.world.logs[topic][counts[topic]])
            counts[topic] += 1
            if number in self.ends or number == len(self.order):
                yield log, self.world.below(list(counts.values()))


_VERSIONS = st.integers(1, 3)
_PROVIDERS = st.lists(st.none() | st.builds(lambda v: PROVIDER._replace(version=v), _VERSIONS))
_SERVICE = st.builds(service, _VERSIONS, st.sampled_from(("one", "two", PLANTED)))
_SERVICES = st.lists(st.none() | _SERVICE, max_size=8)
_ANY_ACT = st.builds(
    act_on,
    st.sampled_from((PROVIDERS, SERVICES, SERVICES, SERVICES, ACTS, ORDERS)),
    st.integers(0, 7),
    st.sampled_from((None, None, "some", "other")),
    st.sampled_from((1, 1, 2)),
)


@st.composite
def _readings(draw: st.DrawFn, acts: st.SearchStrategy[list[Any]] | None = None) -> Reading:
    services = draw(_SERVICES)
    if acts is None:  # what operators do: each record that our code fails at is set aside
        needed = [
            act_on(SERVICES, at)
            for at, each in enumerate(services)
            if each is not None and each.service_id == PLANTED
        ]
        acts = st.permutations(needed)
    world = World(draw(_PROVIDERS), services, draw(acts))
    order = draw(st.permutations([t for topic in TOPICS for t in [topic] * world.end[topic]]))
    return Reading(world, order, draw(st.sets(st.integers(1, 12))))


def _by_definition(
    world: World, positions: Sequence[int]
) -> tuple[Any, dict[tuple[int, int], str]]:
    """The catalogue below positions, and why a record is not in force: as the law says it."""
    logs = {topic: world.logs[topic][: positions[topic]] for topic in TOPICS}
    acts: dict[int, OperatorAct] = {}
    for lying in logs[ACT_AT]:
        acts[lying.at] = CODECS.decode(ACTS, lying.content)
    # From the last to the first: one that is set aside sets nothing aside.
    no_acts: set[int] = set()
    for at in sorted(acts, reverse=True):
        if at not in no_acts and acts[at].topic == ACTS and acts[at].offset < at:
            no_acts.add(acts[at].offset)
    aside = {(ACT_AT, offset) for offset in no_acts}
    reader = ReferenceReader(CODECS, Catalogue())
    causes: dict[tuple[int, int], str] = {}
    for topic in (ACT_AT, PROVIDER_AT, SERVICE_AT):
        for lying in logs[topic]:
            if (topic, lying.at) in aside:
                causes[topic, lying.at] = QUARANTINED
                continue
            fault = _take(reader, REFERENCES[topic], lying.id, lying.content)
            if fault is not None:
                causes[topic, lying.at] = fault.cause
            elif topic == ACT_AT and (act := acts[lying.at]).topic in (PROVIDERS, SERVICES):
                aside.add((REFERENCES.index(act.topic), act.offset))
    return reader.catalogue, causes


@given(_readings(st.lists(_ANY_ACT, max_size=5)))
def test_any_acts_in_any_order_leave_in_force_what_the_law_says(reading: Reading) -> None:
    """At each end of a turn what is in force, and what is told since the last, is what a worker
    tells that reads everything at once, and what follows from the records by definition.
    """
    before: tuple[int, ...] | None = None
    causes: dict[tuple[int, int], str] = {}
    for log, after in reading.steps():
        started = reading.world.read(after)
        catalogue, now = _by_definition(reading.world, after)
        assert in_force(log) == in_force(started)
        assert log.catalogue.services == catalogue.services
        assert log.catalogue.providers == catalogue.providers
        assert log.catalogue.acts == catalogue.acts
        if before is not None:
            found = told(log.faults_between(before, after))
            assert found == told(started.faults_between(before, after))
            assert [(REFERENCES.index(topic), at, cause) for topic, at, cause, _ in found] == [
                (*where, cause)
                for where, cause in sorted(now.items())
                if causes.get(where) != cause
            ]
        before, causes = after, now


@given(_readings())
def test_what_is_set_aside_stays_so_whatever_program_runs(reading: Reading) -> None:
    """Turns of a program whose code fails at records, each set aside: a mended one has the same in
    force and tells the same; all turns together tell each record once, as one turn would.
    """
    turns: list[tuple[tuple[int, ...], list[Told], Any]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ReferenceReader, "take", take)
        before = reading.world.below([0, 0, 0])
        for log, after in reading.steps():
            if log.stop_at(after) is None:
                turns.append((after, told(log.faults_between(before, after)), in_force(log)))
                before = after
        at_once = told(reading.world.read(before).faults_between((0,) * len(before), before))
    assert before == reading.world.end
    ends = [after for after, _, _ in turns]
    for start, (after, found, was) in zip([ends[0], *ends], turns, strict=False):
        mended = reading.world.read(after)
        assert in_force(mended) == was
        assert told(mended.faults_between(start, after)) == found
    everything = sorted(each for _, found, _ in turns for each in found)
    assert everything == sorted(at_once)
    assert len({(topic, at, cause) for topic, at, cause, _ in everything}) == len(everything)
