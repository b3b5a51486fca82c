"""A gate's state with very many subscribers, written to its changelog without living through it.

Each has ordered today: a row of `subscribers`, of which every hundredth waits on a prompt that is
due in a day. A worker restores this as if another had written it: nothing has been decided and the
group has no offsets, so the positions record stands at the beginning of the inputs. A feed lets
them order, evenly and for as long as it is asked to.
"""

import threading
import time
from typing import Self

from confluent_kafka import Producer, murmur2

from streams import clients, topics
from streams.app import build
from streams.engine.identity import identify
from streams.engine.kafka import KafkaClients
from streams.engine.partition import POSITIONS_KEY
from streams.engine.positions import Positions
from streams.gate.policy import DAY_MS, utc_day
from streams.gate.rows import PromptRef, ServiceTotal, Spent, Subscriber, SubscriberDay
from streams.gate.words import Channel
from streams.settings import Settings
from tests.app.rig import ASKS, encoded, order
from tests.figures.eyes import now_ms

_SERVICE = "huayu-weather"
_WAITS_EVERY = 100
# A prime: one subscriber's orders lie far apart.
_STRIDE = 7919


def msisdn_of(index: int) -> str:
    """The number of one of them."""
    return f"86138{index:08d}"


def fill(settings: Settings, subscribers: int) -> None:
    """Write their rows and a positions record a partition; the topics must be empty."""
    app = build(settings)
    spec = next(one for one in app.specs if one.name == "subscribers")
    now = now_ms()
    usual = spec.dump(_subscriber(now, ()))
    waits = spec.dump(_subscriber(now, (_prompt(now),)))
    changelog = settings.topic_prefix + topics.CHANGELOG
    producer = Producer(
        clients.producer(settings, "filling")
        | {"queue.buffering.max.messages": 2_000_000, "compression.type": "lz4", "linger.ms": 50}
    )
    for index in range(subscribers):
        key = msisdn_of(index).encode()
        producer.produce(
            changelog,
            usual if index % _WAITS_EVERY else waits,
            spec.prefix + key,
            murmur2(key, settings.partitions),
        )
        if index % 10_000 == 0:
            producer.poll(0)
    look_ups = KafkaClients(app.job).look_ups()
    identity = identify(app.job, look_ups)
    look_ups.close()
    first = Positions(
        identity.digest(identity.references),
        [0] * len(topics.INPUTS),
        [0] * identity.references,
    )
    for number in range(settings.partitions):
        producer.produce(changelog, first.dump(), POSITIONS_KEY, number)
    left = producer.flush(120)
    assert left == 0, f"{left} records were not taken by the broker"


def _subscriber(now: int, prompts: tuple[PromptRef, ...]) -> Subscriber:
    total = ServiceTotal(_SERVICE, 1, 100, "CNY", declined=False, receipt_at=0)
    day = SubscriberDay(utc_day(now), 1, 0, (), (total,), (Spent("CNY", 100, False),), ())
    return Subscriber(
        prompts, (day,), "GD", clarified=False, last_charge=None, released_at=None, releases=0
    )


def _prompt(now: int) -> PromptRef:
    return PromptRef(
        utc_day(now),
        _SERVICE,
        "p-filled",
        Channel.SMS,
        None,
        now,
        now + DAY_MS,
        now + DAY_MS,
        "",
        code_required=False,
    )


class Feed:
    """Orders of these subscribers, one after another, while entered; a stride spreads them."""

    def __init__(self, settings: Settings, subscribers: int, rate: float, seed: int = 1) -> None:
        self._settings = settings
        self._subscribers = subscribers
        self._rate = rate
        self._seed = seed
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._publish, name="feed", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _publish(self) -> None:
        producer = Producer(clients.producer(self._settings, "feed"))
        topic = self._settings.topic_prefix + topics.ORDERS
        began = time.monotonic()
        number = 0
        while not self._over.wait(max(0.0, began + number / self._rate - time.monotonic())):
            msisdn = msisdn_of((self._seed + number * _STRIDE) % self._subscribers)
            placed = order(msisdn, f"f-{self._seed}-{number}", ASKS, now_ms())
            producer.produce(topic, encoded(placed), msisdn.encode())
            producer.poll(0)
            number += 1
        left = producer.flush(60)
        assert left == 0, f"{left} orders were not taken by the broker"
