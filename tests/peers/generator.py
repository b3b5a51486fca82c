"""The events of W1: from a seed, as fast as they go or at a steady rate.

A subscriber has ten: orders for five services, three replies `Y`, and another order for each of the
first two services, which are granted by then; so five prompts and five charges. A few thousand
subscribers are in progress at a time and each step takes a random one of them, so that a key comes
back after about as many events. Keys, ids and order are those of the suite that this one was made
from, so that figures can be held against its figures.
"""

import random
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from tests.peers import workload
from tests.peers.workload import DAY_MS, ORDER, REPLY, Fields

# The place of the service that each step of a subscriber orders; None: a reply.
_STEPS = (0, 1, 2, 3, 4, None, None, None, 0, 1)
EVENTS_PER_SUBSCRIBER = len(_STEPS)
_IN_PROGRESS = 5_000
_SERVICES = 500
_PROVIDERS = 97
_CHANNELS = ("sms", "wap", "ivr", "web")
_PROVINCES = ("Guangdong", "Zhejiang", "Sichuan", "Beijing", "Henan")
_PRICES_FEN = (100, 200, 300, 500, 1000, 1500, 2000)
# Preloaded events are a hundredth of a millisecond apart, within one day.
_BEGIN_MS = 1_760_000_000_000 // DAY_MS * DAY_MS + 3_600_000
_EVENTS_PER_MS = 100
# A produce request costs the broker more than an event does: steady events leave in bursts.
_BURST_S = 0.005
_POLL_EVERY = 4096
_FLUSH_S = 60.0


class Event(NamedTuple):
    """One event before its time is set."""

    msisdn: str
    schema_id: int
    fields: Fields

    def value(self, at_ms: int) -> bytes:
        """Framed, as of this instant."""
        time_of = "ordered_at" if self.schema_id == ORDER else "received_at"
        return workload.encode(self.schema_id, {**self.fields, time_of: at_ms})


def plan(events: int, seed: int, first_subscriber: int = 0) -> Iterator[Event]:
    """The events in order: the same for the same arguments; ValueError if no multiple of ten."""
    subscribers, rest = divmod(events, EVENTS_PER_SUBSCRIBER)
    if rest:
        raise ValueError(f"{events} events are no multiple of {EVENTS_PER_SUBSCRIBER}")
    chance = random.Random(seed)
    waiting = iter(range(first_subscriber, first_subscriber + subscribers))
    in_progress = [_subscriber(each, seed, chance) for each in islice(waiting, _IN_PROGRESS)]
    while in_progress:
        place = int(chance.random() * len(in_progress))
        left = in_progress[place]
        yield left.pop()
        if not left:
            subscriber = next(waiting, None)
            if subscriber is None:
                in_progress[place] = in_progress[-1]
                in_progress.pop()
            else:
                in_progress[place] = _subscriber(subscriber, seed, chance)


def _subscriber(subscriber: int, seed: int, chance: random.Random) -> list[Event]:
    """The events of one subscriber, the last one first."""
    # Odd and no multiple of five, the factor gives every subscriber a number of its own.
    msisdn = f"861{(subscriber * 2_654_435_761 + seed * 97) % 10_000_000_000:010d}"
    channel = _CHANNELS[subscriber % len(_CHANNELS)]
    first_service = chance.getrandbits(16) % _SERVICES
    events, orders = [], 0
    for step, place in enumerate(_STEPS):
        if place is None:
            events.append(
                Event(
                    msisdn,
                    REPLY,
                    {
                        "reply_id": f"r{subscriber:08x}{step:x}{chance.getrandbits(48):012x}",
                        "msisdn": msisdn,
                        "text": "Y",
                        "channel": channel,
                    },
                )
            )
            continue
        service = (first_service + 61 * place) % _SERVICES
        events.append(
            Event(
                msisdn,
                ORDER,
                {
                    "order_id": f"o{subscriber:08x}{orders:x}{chance.getrandbits(48):012x}",
                    "link_id": f"L{chance.getrandbits(64):016x}",
                    "msisdn": msisdn,
                    "sp_id": f"SP-{service % _PROVIDERS:04d}",
                    "service_id": f"SVC-{service:05d}",
                    "price_fen": _PRICES_FEN[service % len(_PRICES_FEN)],
                    "channel": channel,
                    "province": _PROVINCES[subscriber % len(_PROVINCES)],
                },
            )
        )
        orders += 1
    return events[::-1]


def make_topics(bootstrap: str, prefix: str) -> None:
    """The three topics of a run."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    names = (workload.EVENTS, *workload.OUTPUTS)
    wanted = [NewTopic(workload.topic(prefix, name), workload.PARTITIONS, 1) for name in names]
    for made in admin.create_topics(wanted).values():
        made.result()


def preload(bootstrap: str, prefix: str, events: int, seed: int, first_subscriber: int = 0) -> None:
    """Write all planned events as fast as they go."""
    write(bootstrap, prefix, plan(events, seed, first_subscriber))


def write(bootstrap: str, prefix: str, events: Iterable[Event]) -> None:
    """Write these events as fast as they go."""
    producer = _producer(bootstrap, {"linger.ms": 50, "batch.size": 1_000_000})
    topic = workload.topic(prefix, workload.EVENTS)
    for place, event in enumerate(events):
        at = _BEGIN_MS + place // _EVENTS_PER_MS
        producer.produce(topic, event.value(at), event.msisdn)
        if place % _POLL_EVERY == 0:
            producer.poll(0)
    _flush(producer)


def steady(bootstrap: str, prefix: str, rate: int, events: int, seed: int) -> None:
    """Write events at `rate` a second, each stamped with the moment at which it is produced."""
    planned = list(plan(events, seed))
    producer = _producer(bootstrap, {"linger.ms": 0})
    topic = workload.topic(prefix, workload.EVENTS)
    began, sent = time.time(), 0
    while sent < events:
        due = min(events, int((time.time() - began) * rate) + 1)
        for event in planned[sent:due]:
            now_ms = time.time_ns() // 1_000_000
            producer.produce(topic, event.value(now_ms), event.msisdn, timestamp=now_ms)
        sent = max(sent, due)
        producer.poll(0)
        time.sleep(max(_BURST_S, began + sent / rate - time.time()))
    _flush(producer)


def _producer(bootstrap: str, settings: dict[str, Any]) -> Producer:
    return Producer(
        {
            "bootstrap.servers": bootstrap,
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
            "queue.buffering.max.messages": 2_000_000,
            "queue.buffering.max.kbytes": 1_000_000,
            **settings,
        }
    )


def _flush(producer: Producer) -> None:
    if left := producer.flush(_FLUSH_S):
        raise RuntimeError(f"{left} events were not delivered within {_FLUSH_S:.0f} s")


if __name__ == "__main__":
    # A process of its own, so that its work slows nobody's eyes:
    # python -m tests.peers.generator BOOTSTRAP PREFIX RATE EVENTS SEED
    steady(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))
