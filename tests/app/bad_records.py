"""Every kind of bad record, each among good ones of the same subscriber and topic."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from streams import topics
from streams.codec.varint import varint, zigzag
from streams.gate.events import CareAction, DeliveryReport, Settlement, Tick
from streams.gate.ids import CHARGE, base_id
from streams.gate.words import CareKind, DeliveryStatus, SettlementOutcome
from tests.app.rig import ASKS_NOT, Unsent, encoded, keyed, order, reply, ticks_at

FRAME_BYTES = 5
STRANGER = "8613900000999"
# Headers of the centre's own; the last two as after an earlier death, ours come behind them.
ORIGINAL_HEADERS = (
    ("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("empty", b""),
    ("none", None),
    ("twice", b"1"),
    ("twice", b"2"),
    ("bytes", b"\xff\xfe"),
    ("tollgate.cause", b"truncated"),
    ("__connect.errors.topic", b"another.topic"),
)
_HUGE = varint(zigzag(1 << 40))
_ENDLESS = b"\xff" * 11
_OVER_64_BITS = b"\xff" * 9 + b"\x02"


class Case(NamedTuple):
    """A bad record, the cause it is set aside for, and the good ones before and behind it."""

    name: str
    cause: str
    bad: Unsent
    before: Unsent
    behind: Unsent

    @property
    def reason(self) -> str:
        """Of its decision."""
        return "CONFLICT" if self.cause == "conflict" else "DEAD_LETTER"


def charged(now: int, made: Sequence[Case]) -> list[Unsent]:
    """The orders whose charges the good settlements among these settle."""
    return [
        keyed(order(one.before.key.decode(), f"{each}-ordered", ASKS_NOT, now))
        for one in made
        if one.before.topic == topics.SETTLEMENTS and one.before.key is not None
        for each in ("before", "behind")
    ]


Make = Callable[[str, str], Any]
"""(number, id) to a good record of a topic."""


def cases(now: int) -> list[Case]:
    """All of them, written at `now`; every case has a subscriber of its own."""
    made = [*_bad_bytes(now), *_bad_places(now), *_bad_meaning(now), *_every_input(now)]
    return [one(f"8613900000{place:03}") for place, one in enumerate(made)]


CaseOf = Callable[[str], Case]
"""A case for the subscriber with that number."""


def _case(name: str, cause: str, make: Make, spoil: Callable[[Unsent], Unsent]) -> CaseOf:
    def of(number: str) -> Case:
        before, bad, behind = (keyed(make(number, each)) for each in ("before", "bad", "behind"))
        return Case(name, cause, spoil(bad), before, behind)

    return of


def _bad_bytes(now: int) -> Iterator[CaseOf]:
    """Orders that cannot be decoded."""

    def value(name: str, cause: str, spoil: Callable[[bytes], bytes | None]) -> CaseOf:
        def respelt(one: Unsent) -> Unsent:
            assert one.value is not None
            return one._replace(value=spoil(one.value))

        return _case(name, cause, _orders(now), respelt)

    def within(name: str, cause: str, old: bytes, new: bytes) -> CaseOf:
        def spoil(good: bytes) -> bytes:
            assert good.count(old) == 1
            return good.replace(old, new)

        return value(name, cause, spoil)

    yield value("no framing", "wrong_magic", lambda good: b"\x01" + good[1:])
    yield value("JSON", "wrong_magic", lambda _: b'{"order_id": "bad"}')
    yield value("unknown schema", "unknown_schema", lambda good: b"\0\0\0\0\x07" + good[5:])
    yield value("another schema", "unknown_schema", lambda _: encoded(reply(STRANGER, "r", now)))
    yield value("cut off", "truncated", lambda good: good[:-5])
    yield value("cut off in the frame", "truncated", lambda good: good[: FRAME_BYTES - 2])
    yield value("bytes left over", "overlong", lambda good: good + b"\0")
    yield value("tombstone", "no_value", lambda _: None)
    yield value("empty value", "no_value", lambda _: b"")
    yield value("1 MiB", "too_large", lambda _: b"\xa5" * (1 << 20))
    yield within("enum index", "bad_enum", b"weather\x02", b"weather\x22")
    yield within("negative length", "bad_length", b"\x06bad", b"\x05bad")
    yield within("length beyond the value", "bad_length", b"\x06bad", _HUGE + b"bad")
    yield within("no UTF-8", "bad_text", b"\x06bad", b"\x06b\xff\xfe")
    yield within("union branch", "bad_union", b"smsc-1\x00", b"smsc-1\x06")
    yield within("endless price", "bad_varint", b"\xc8\x01\x06CNY", _ENDLESS + b"\x06CNY")
    yield within("price beyond 64 bits", "out_of_range", b"\xc8\x01\x06CNY", _OVER_64_BITS)


def _bad_places(now: int) -> Iterator[CaseOf]:
    """Orders that can be read, where or under what they should not be."""

    def placed(name: str, cause: str, **changes: Any) -> CaseOf:
        return _case(name, cause, _orders(now), lambda one: one._replace(**changes))

    def elsewhere(one: Unsent) -> Unsent:
        return one._replace(partition=1 - one.home(2))

    yield _case("another partition", "wrong_partition", _orders(now), elsewhere)
    yield placed("another number", "key_mismatch", value=encoded(_orders(now)(STRANGER, "bad")))
    yield placed("no key", "no_key", key=None)
    yield placed("empty key", "bad_msisdn", key=b"", partition=0)
    yield placed("key of letters", "bad_msisdn", key=b"anonymous")
    yield placed("key that is no text", "bad_msisdn", key=b"\xff\x00")
    yield placed("impossible number", "bad_msisdn", key=b"013900000001")
    yield placed("too long a number", "bad_msisdn", key=b"8613900000000001")
    yield placed("headers of its own", "wrong_magic", value=b"junk", headers=ORIGINAL_HEADERS)


def _bad_meaning(now: int) -> Iterator[CaseOf]:
    """Records that can be read and cannot be meant."""

    def meaning(name: str, cause: str, make: Make, **changes: Any) -> CaseOf:
        def of(number: str) -> Case:
            good = _case(name, cause, make, lambda one: one)(number)
            return good._replace(bad=keyed(make(number, "bad")._replace(**changes)))

        return of

    def reused(name: str, make: Make, **changes: Any) -> CaseOf:
        def of(number: str) -> Case:
            good = _case(name, "conflict", make, lambda one: one)(number)
            return good._replace(bad=keyed(make(number, "before")._replace(**changes)))

        return of

    orders, replies, reports, settlements, care = _makers(now)
    yield meaning("negative price", "negative_price", orders, price_minor=-1)
    yield meaning("negative amount", "negative_amount", settlements, amount_minor=-1)
    yield meaning("six minutes ahead", "time_ahead", orders, ordered_at=now + 360_000)
    yield meaning("end of time", "time_ahead", orders, ordered_at=(1 << 63) - 1)
    yield meaning("reply ahead", "time_ahead", replies, received_at=now + 360_000)
    yield meaning("report ahead", "time_ahead", reports, reported_at=now + 360_000)
    yield meaning("settlement ahead", "time_ahead", settlements, settled_at=now + 360_000)
    yield meaning("care ahead", "time_ahead", care, acted_at=(1 << 63) - 1)
    yield reused("order_id reused", orders, service_id="huayu-joke")
    yield reused("reply_id reused", replies, text="N")
    yield reused("report_id reused", reports, status=DeliveryStatus.FAILED)
    yield reused("settlement_id reused", settlements, amount_minor=1)
    yield reused("action_id reused", care, agent="another")


def _every_input(now: int) -> Iterator[CaseOf]:
    """Each kind of trouble that reading finds, on every keyed input."""
    for topic, make in zip(topics.INPUTS, _makers(now), strict=False):
        yield _case(f"{topic}: junk", "wrong_magic", make, lambda one: one._replace(value=b"junk"))
        yield _case(f"{topic}: no value", "no_value", make, lambda one: one._replace(value=None))
        yield _case(f"{topic}: no key", "no_key", make, lambda one: one._replace(key=None))
        yield _case(
            f"{topic}: cut off",
            "truncated",
            make,
            lambda one: one._replace(value=(one.value or b"")[:-3]),
        )


def bad_ticks(now: int) -> Sequence[tuple[str, Unsent]]:
    """Ticks that cannot be read, with their causes; a tick has no key and no subscriber."""
    good = encoded(Tick("bad", now))
    return (
        ("wrong_magic", ticks_at(0, b"tock")),
        ("no_value", ticks_at(1, None)),
        ("truncated", ticks_at(0, good[:-1])),
        ("overlong", ticks_at(1, good + b"\0")),
    )


def _orders(now: int) -> Make:
    return lambda number, each: order(number, each, ASKS_NOT, now)


def _makers(now: int) -> tuple[Make, Make, Make, Make, Make]:
    """Of the keyed inputs in the catalogue's order."""
    return (
        _orders(now),
        lambda number, each: reply(number, each, now),
        lambda number, each: DeliveryReport(each, "m-1", number, DeliveryStatus.DELIVERED, now),
        lambda number, each: Settlement(
            each,
            CHARGE + base_id(number, f"{each}-ordered"),
            None,
            number,
            SettlementOutcome.CHARGED,
            100,
            "CNY",
            None,
            now,
        ),
        lambda number, each: CareAction(
            each,
            number,
            CareKind.LOOK,
            *(None,) * 7,
            agent="agent-1",
            reason="a test",
            acted_at=now,
            service_id=None,
        ),
    )
