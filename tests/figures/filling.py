"""A gate's state with very many subscribers, written to its changelog without living through it.

Each has ordered today: a row of `subscribers`, of which every hundredth waits on a prompt that is
due in a day. A worker restores this as if another had written it: nothing has been decided and the
group has no offsets, so the positions record stands at the beginning of the inputs.
"""

import time

from confluent_kafka import Producer, murmur2

from streams import clients, topics
from streams.app import build
from streams.engine.kafka import KafkaClients
from streams.engine.partition import POSITIONS_KEY
from streams.engine.positions import Positions
from streams.engine.restore import identify
from streams.gate.policy import DAY_MS, utc_day
from streams.gate.rows import PromptRef, ServiceTotal, Spent, Subscriber, SubscriberDay
from streams.gate.words import Channel
from streams.settings import Settings

_SERVICE = "huayu-weather"
_WAITS_EVERY = 100


def msisdn_of(index: int) -> str:
    """The number of one of them."""
    return f"86138{index:08d}"


def fill(settings: Settings, subscribers: int) -> None:
    """Write their rows and a positions record a partition; the topics must be empty."""
    app = build(settings)
    spec = next(one for one in app.specs if one.name == "subscribers")
    now = time.time_ns() // 1_000_000
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
    first = Positions(identity.digest, [0] * len(topics.INPUTS), [0] * len(topics.REFERENCES))
    for number in range(settings.partitions):
        producer.produce(changelog, first.dump(), POSITIONS_KEY, number)
    left = producer.flush(120)
    assert left == 0, f"{left} records were not taken by the broker"


def _subscriber(now: int, prompts: tuple[PromptRef, ...]) -> Subscriber:
    total = ServiceTotal(_SERVICE, 1, 100, "CNY", declined=False, receipt_at=0)
    day = SubscriberDay(utc_day(now), 1, 0, (), (total,), (Spent("CNY", 100, False),), ())
    return Subscriber(prompts, (day,), "GD", clarified=False, last_charge=None, released_at=None)


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
