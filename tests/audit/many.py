"""An honest history of any size, written quickly: what verifying costs is measured on it.

    nice .venv/bin/python -m tests.audit.many 200000

writes so many decisions to an embedded broker, on two partitions, and verifies them; it prints the
CPU time of a decision with its cause and effects, and the most memory of a process. Half of the
decisions answer an order with a prompt, half a reply with a charge and a verdict.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from confluent_kafka import Producer

from streams import clients, provision
from streams.audit.verify import verify
from streams.broker import EmbeddedBroker
from streams.history import Entry, TopicSource
from streams.settings import Settings
from streams.topics import CHARGES, DECISIONS, MESSAGES, ORDERS, REPLIES, VERDICTS
from tests.audit.honest import honest
from tests.audit.scribe import MORNING, digest, encode

PARTITIONS = 2
_FLUSH_EVERY = 20_000


def many(partition: int, count: int) -> Iterator[Entry]:
    """So many decisions with their causes and effects, each topic in its order."""
    one = honest()
    order, reply, message, charge, verdict = (
        next(draft.fields for draft in one.all(topic) if draft.fields)
        for topic in (ORDERS, REPLIES, MESSAGES, CHARGES, VERDICTS)
    )
    decided = next(iter(one.all(DECISIONS))).fields
    offsets = dict.fromkeys((ORDERS, REPLIES, MESSAGES, CHARGES, VERDICTS), 0)
    previous = bytes(32)
    for sequence in range(count):
        key, at = b"%d" % (8613800000000 + sequence // 2), MORNING + sequence
        is_order = sequence % 2 == 0
        cause_topic = ORDERS if is_order else REPLIES
        name = blake2b(key, digest_size=16).hexdigest()
        cause = encode(cause_topic, (order if is_order else reply) | {"msisdn": key.decode()})
        sent = (
            ((MESSAGES, message | {"message_id": "m-" + name}),)
            if is_order
            else (
                (CHARGES, charge | {"charge_id": "c-" + name}),
                (VERDICTS, verdict | {"verdict_id": "v-" + name}),
            )
        )
        salt = blake2b(b"%d" % sequence, digest_size=16).digest()
        effects = [
            (topic, next(iter(fields.values())), encode(topic, fields)) for topic, fields in sent
        ]
        said = decided | {
            "sequence": sequence,
            "cause": {
                "topic": cause_topic,
                "partition": partition,
                "offset": offsets[cause_topic],
                "index": 0,
            },
            "cause_digest": digest(salt, key, cause),
            "event_at": at,
            "order_id": name,
            "prompt_id": "p-" + name,
            "effects": [
                {"topic": topic, "id": each, "digest": digest(salt, key, value)}
                for topic, each, value in effects
            ],
            "salt": salt,
            "seal": bytes(32),
        }
        unsealed = encode(DECISIONS, said)[:-32]
        leaf = blake2b(unsealed, key=salt, digest_size=32).digest()
        previous = blake2b(previous + leaf, digest_size=32).digest()
        for topic, value in ((cause_topic, cause), *((t, v) for t, _, v in effects)):
            yield Entry(topic, partition, offsets[topic], at, key, value, ())
            offsets[topic] += 1
        yield Entry(DECISIONS, partition, sequence, at, key, unsealed + previous, ())


def main(count: int) -> None:
    """Write, verify, tell."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker(Path(folder)) as broker:
        settings = Settings(
            bootstrap_servers=broker.bootstrap_servers, partitions=PARTITIONS, simulated_time=True
        )
        provision.apply(settings)
        producer = Producer(clients.producer(settings, "many"))
        for partition in range(PARTITIONS):
            for number, entry in enumerate(many(partition, count // PARTITIONS)):
                topic = settings.topic_prefix + entry.topic
                producer.produce(
                    topic, entry.value, entry.key, partition, timestamp=entry.timestamp
                )
                if number % _FLUSH_EVERY == 0:
                    producer.flush()
        producer.flush()
        started = time.monotonic()
        results = verify(TopicSource.open(settings), PARTITIONS, progress=lambda *_: None)
        seconds = time.monotonic() - started
        used = getrusage(RUSAGE_CHILDREN)
    assert all(result.holds for result in results), results
    verified = sum(result.counts["decisions"] for result in results)
    spent = used.ru_utime + used.ru_stime
    sys.stdout.write(
        f"{verified:,} decisions: {spent / verified * 1e6:.1f} µs of CPU each, {seconds:.1f} s "
        f"with {PARTITIONS} processes, {used.ru_maxrss / 1024:.0f} MiB at most in one\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
