"""What a partition carries from owner to owner: its positions record and the job's own value."""

from random import Random

from streams.egress.outbox import Chain
from streams.egress.sealing import SEAL_BYTES
from streams.engine.positions import Positions
from streams.gate.watch import Watch
from tests.fuzz.fuzzing import Single
from tests.fuzz.mutate import mutated, pick
from tests.fuzz.wire import LONGS

_COUNTS = (0, 1, 6, 7, 255)


class PositionsRecords(Single):
    """Any value of a positions record is refused with a ValueError, or it is what it says."""

    name = "positions"

    def draw(self, draw: Random) -> bytes:
        record = Positions(
            draw.randbytes(16),
            [pick(LONGS, draw) for _ in range(pick(_COUNTS[:4], draw))],
            [pick(LONGS, draw) for _ in range(pick(_COUNTS[:4], draw))],
            pick(LONGS, draw),
            pick(LONGS, draw),
            draw.getrandbits(32),
            draw.randbytes(int(draw.random() * 90)),
        ).dump()
        return mutated(record, draw) if draw.random() < 0.9 else record

    def take(self, made: bytes) -> Positions | None:
        try:
            return Positions.load(made)
        except ValueError:
            return None

    def judge(self, made: bytes, found: Positions | None) -> None:
        if found is not None:
            assert found.dump() == made, "it is read as something else than it says"
            assert found.copy() == found


class Chains(Single):
    """Any carry is refused with a ValueError, or is a chain that says the same when written."""

    name = "chains"

    def draw(self, draw: Random) -> bytes:
        chain = Chain(
            draw.getrandbits(1 + int(draw.random() * 63)),
            draw.randbytes(SEAL_BYTES),
            pick((b"", b"\0\0\x0f\x42\x51\x06", b"\x01", draw.randbytes(20)), draw),
            Watch(draw.getrandbits(41), draw.getrandbits(32), draw.getrandbits(32)),
        )
        carry = chain.dump()
        chance = draw.random()
        if chance < 0.1:
            # From before alarms were counted: no mark and no watch.
            carry = carry[: 8 + SEAL_BYTES] + pick((b"", b"\0\0\x0f\x42\x51\x06abc"), draw)
        return mutated(carry, draw) if chance > 0.15 else carry

    def take(self, made: bytes) -> Chain | None:
        try:
            return Chain.load(made)
        except ValueError:
            return None

    def judge(self, made: bytes, found: Chain | None) -> None:
        if found is None:
            return
        assert Chain.load(found.dump()) == found, "written again it is another chain"
        if made:
            assert made.startswith(found.sequence.to_bytes(8, "big") + found.seal)
            assert made.endswith(found.tick)
