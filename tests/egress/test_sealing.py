"""Digests, seals and the chain of a partition's decisions."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.egress.outbox import Chain
from streams.egress.sealing import FIRST_SEAL, SALT_BYTES, SEAL_BYTES, Salts, digest, seal
from streams.gate.watch import NOTHING, TOLD, Watch

SALT = bytes(range(SALT_BYTES))
WATCHES = st.builds(
    Watch, st.integers(0, (1 << 63) - 1), st.integers(0, TOLD), st.integers(0, TOLD)
)
KEYS = st.none() | st.binary(max_size=20)


def test_a_digest_is_what_is_written_down() -> None:
    """Anybody can compute it: keyed BLAKE2b of the key's length, the key and the value."""
    said = hashlib.blake2b(b"\0\0\0\x03keyvalue", digest_size=16, key=SALT).digest()
    assert digest(SALT, b"key", b"value") == said
    without = hashlib.blake2b(b"\xff\xff\xff\xffvalue", digest_size=16, key=SALT).digest()
    assert digest(SALT, None, b"value") == without


@given(one=st.tuples(KEYS, st.binary(max_size=20)), other=st.tuples(KEYS, st.binary(max_size=20)))
def test_digests_tell_keys_and_values_apart(
    one: tuple[bytes | None, bytes], other: tuple[bytes | None, bytes]
) -> None:
    """Two records have the same digest only if key and value are the same."""
    assert (digest(SALT, *one) == digest(SALT, *other)) == (one == other)


def test_a_digest_without_its_salt_says_nothing() -> None:
    """Another salt makes another digest of the same record."""
    assert digest(SALT, b"key", b"value") != digest(bytes(SALT_BYTES), b"key", b"value")


def test_a_seal_is_what_is_written_down() -> None:
    """The seal is the hash of the seal before and of the salted hash of the decision."""
    leaf = hashlib.blake2b(b"decision", digest_size=32, key=SALT).digest()
    said = hashlib.blake2b(FIRST_SEAL + leaf, digest_size=32).digest()
    assert seal(FIRST_SEAL, SALT, b"decision") == said


def test_every_seal_stands_on_all_before_it() -> None:
    """A decision changed or left out changes every later seal."""
    honest = seal(seal(FIRST_SEAL, SALT, b"one"), SALT, b"two")
    assert seal(seal(FIRST_SEAL, SALT, b"One"), SALT, b"two") != honest
    assert seal(FIRST_SEAL, SALT, b"two") != honest


def test_salts_do_not_repeat() -> None:
    """Salts are drawn afresh, also when the drawn ones are used up."""
    salts = Salts()
    drawn = [salts.draw() for _ in range(1000)]
    assert len(set(drawn)) == 1000
    assert {len(salt) for salt in drawn} == {SALT_BYTES}


def test_a_new_partitions_chain_begins_at_nought() -> None:
    """Without a carry the next sequence is 0 and the seal before it is all zeros."""
    assert Chain.load(b"") == Chain(0, bytes(SEAL_BYTES), b"")


@given(
    sequence=st.integers(0, (1 << 64) - 1),
    last=st.binary(min_size=SEAL_BYTES, max_size=SEAL_BYTES),
    tick=st.binary(max_size=40),
    watch=WATCHES,
)
def test_a_chain_survives_its_owner(sequence: int, last: bytes, tick: bytes, watch: Watch) -> None:
    """What is carried is what the next owner goes on with."""
    chain = Chain(sequence, last, tick, watch)
    assert Chain.load(chain.dump()) == chain


@given(
    sequence=st.integers(0, (1 << 64) - 1),
    last=st.binary(min_size=SEAL_BYTES, max_size=SEAL_BYTES),
    tick=st.just(b"") | st.binary(max_size=40).map(lambda body: b"\0" + body),
)
def test_a_chain_from_before_alarms_were_counted_goes_on(
    sequence: int, last: bytes, tick: bytes
) -> None:
    """A carry without counts is the sequence, the seal and a framed tick; nothing was counted."""
    assert Chain.load(sequence.to_bytes(8, "big") + last + tick) == Chain(sequence, last, tick)


@pytest.mark.parametrize(
    ("carry", "sentence"),
    [
        (bytes(39), "a chain of 39 bytes, expected at least 40"),
        (bytes(40) + b"\1" + bytes(15), "a chain of 56 bytes, expected at least 57"),
        (bytes(40) + b"\2" + bytes(16), "a chain with the mark 2, expected 1"),
    ],
)
def test_a_carry_that_this_code_did_not_write_is_refused(carry: bytes, sentence: str) -> None:
    """Half a chain, or one of another make, is not taken for a chain."""
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        Chain.load(carry)


def test_a_tick_moves_nothing_but_the_tick() -> None:
    """Another tick leaves sequence, seal and counts as they are."""
    chain = Chain(7, b"s" * SEAL_BYTES, b"before", Watch(300_000, 2, 1))
    after = Chain(7, b"s" * SEAL_BYTES, b"after", Watch(300_000, 2, 1))
    assert chain.moved_by(b"after") == after
    assert chain.moved_by(b"after").watched(NOTHING) == Chain(7, b"s" * SEAL_BYTES, b"after")
