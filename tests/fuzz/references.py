"""Reference topics: whatever lies on them is taken, or is a fault with a cause and a sentence."""

from random import Random
from typing import Any, NamedTuple

from streams import topics
from streams.codec.faults import CAUSES, Undecodable
from streams.codec.framing import header
from streams.codec.ids import repository
from streams.gate.catalogue import Catalogue
from streams.reference.reader import KEY_MISMATCH, REFERENCE_FAULT, Fault, ReferenceReader
from streams.reference.records import RECORD_TYPES, id_of
from tests.codec.samples import CODECS
from tests.fuzz.fuzzing import Single
from tests.fuzz.mutate import mutated, pick, spoilt
from tests.fuzz.wire import bent, samples_of
from tests.gate.examples import BEGINNING, PROVIDER, SERVICES, credit
from tests.gate.rules import draw_policy

_NODES = {name: repository().newest(name).schema.root for name in topics.REFERENCES}
_ENCODE = {name: CODECS.encoder(name, kind) for name, kind in RECORD_TYPES.items()}
# Policies are large, and are judged rule by rule: as many of them as of all others.
_NAMES = (*topics.REFERENCES, *[topics.POLICIES] * (len(topics.REFERENCES) - 2))


class Written(NamedTuple):
    """A record of a reference topic."""

    topic: str
    key: bytes | None
    value: bytes | None


class References(Single):
    """The reader of every reference topic, and the catalogue behind it."""

    name = "references"
    session = 50

    def __init__(self) -> None:
        draw = Random(4)
        self._samples = {name: samples_of(name, draw, 20) for name in topics.REFERENCES}
        self.begin(draw)

    def begin(self, _draw: Random) -> None:
        self._reader = ReferenceReader(CODECS, Catalogue())

    def draw(self, draw: Random) -> Written:
        name = pick(_NAMES, draw)
        if draw.random() < 0.5:
            record = self._next(name, draw)
            if record is not None:
                for _ in range(int(draw.random() * 3)):
                    record = bent(_NODES[name], record, draw)
                return Written(name, id_of(record).encode(), _ENCODE[name](record))
        sample = pick(self._samples[name], draw)
        value = header(sample.release.id) + spoilt(sample, self._samples[name], draw)
        try:
            key = id_of(CODECS.decode(name, value)).encode()
        except Undecodable:
            key = b"sp-1"
        chance = draw.random()
        if chance < 0.05:
            return Written(name, None if chance < 0.02 else mutated(key, draw), value)
        return Written(name, key, None if chance > 0.99 else value)

    def _next(self, name: str, draw: Random) -> Any:
        """A good next version of something, where tests have one."""
        known = self._reader.catalogue
        if name == topics.POLICIES:
            version = known.policy_version("operator") + 1
            return draw_policy(draw, version, BEGINNING + version)
        if name == topics.PROVIDERS:
            before = known.provider(PROVIDER.provider_id)
            return PROVIDER._replace(version=before.version + 1 if before else 1)
        if name == topics.SERVICES:
            service = pick(SERVICES, draw)
            sold = known.service(service.service_id)
            return service._replace(version=sold.version + 1 if sold else 1)
        if name == topics.CREDITS:
            return credit(80, version=known.credit.version("credit-1") + 1)
        return None

    def take(self, made: Written) -> Fault | None:
        return self._reader.take(*made)

    def judge(self, made: Written, found: Fault | None) -> None:
        if found is None:
            assert made.key is not None
            return
        assert found.cause in (*CAUSES, KEY_MISMATCH, REFERENCE_FAULT)
        assert found.sentence
        found.sentence.encode()  # as a header has it
