"""Topics on a real broker: plan tells, apply does, nothing is ever lost or stretched."""

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams import clients, provision, topics
from streams.broker import EmbeddedBroker
from streams.cluster import Cluster, Existing
from streams.errors import Cause, Stop
from streams.settings import Settings
from streams.topics import CATALOGUE, Kind


@pytest.fixture
def gate(kafka: EmbeddedBroker, prefix: str) -> Settings:
    """A gate of this test's own on the shared broker."""
    return Settings(bootstrap_servers=kafka.bootstrap_servers, topic_prefix=prefix, partitions=3)


def other(gate: Settings, *, simulated_time: bool = False, partitions: int = 3) -> Settings:
    """The same gate with other settings."""
    return Settings(
        bootstrap_servers=gate.bootstrap_servers,
        topic_prefix=gate.topic_prefix,
        simulated_time=simulated_time,
        partitions=partitions,
    )


def on_broker(gate: Settings) -> dict[str, Existing]:
    """The gate's topics as they are, by catalogue name."""
    names = [topic.full_name(gate.topic_prefix) for topic in CATALOGUE]
    found = Cluster(gate).topics(names)
    return {name.removeprefix(gate.topic_prefix): topic for name, topic in found.items()}


def make_topic(gate: Settings, name: str, partitions: int) -> None:
    """A topic made by hand, before anyone ran apply."""
    admin = AdminClient(clients.admin(gate))
    for made in admin.create_topics([NewTopic(gate.topic_prefix + name, partitions, 1)]).values():
        made.result(30)


def write_order(gate: Settings) -> None:
    """One record in the orders topic."""
    writer = Producer(clients.producer(gate, "test"))
    writer.produce(gate.topic_prefix + topics.ORDERS, b"a value", key=b"46700000001")
    assert writer.flush(30) == 0


def test_plan_changes_nothing(gate: Settings) -> None:
    """Plan names every topic that is missing, and makes none."""
    planned = provision.plan(gate)
    assert [new.name for new in planned.create] == [
        topic.full_name(gate.topic_prefix) for topic in CATALOGUE
    ]
    assert on_broker(gate) == {}


def test_apply_makes_the_catalogue_and_then_has_nothing_to_do(gate: Settings) -> None:
    """After apply every topic of the catalogue is there as it says, and the plan is empty."""
    provision.apply(gate)
    found = on_broker(gate)
    assert set(found) == {topic.name for topic in CATALOGUE}
    for topic in CATALOGUE:
        partitions = 1 if topic.kind is Kind.REFERENCE else 3
        assert found[topic.name].partitions == partitions, topic.name
        assert topic.config.items() <= found[topic.name].config.items(), topic.name
    assert provision.plan(gate).is_empty
    assert provision.apply(gate).is_empty
    assert provision.check(gate) == 3


def test_inputs_are_stamped_by_the_broker(gate: Settings) -> None:
    """Every input topic carries the broker's time, so that no centre can move ours."""
    provision.apply(gate)
    found = on_broker(gate)
    for name in topics.INPUTS:
        assert found[name].config["message.timestamp.type"] == "LogAppendTime", name


def test_simulated_time_keeps_everything(gate: Settings) -> None:
    """Under simulated time inputs carry the writer's time, and no topic forgets by time."""
    simulated = other(gate, simulated_time=True)
    provision.apply(simulated)
    found = on_broker(gate)
    for name in topics.INPUTS:
        assert found[name].config["message.timestamp.type"] == "CreateTime", name
    for topic in CATALOGUE:
        assert found[topic.name].config["retention.ms"] == "-1", topic.name


def test_dead_letters_have_more_room_than_inputs(gate: Settings) -> None:
    """The largest input fits a dead letter with its headers."""
    provision.apply(gate)
    found = on_broker(gate)
    room = int(found[topics.DEAD_LETTERS].config["max.message.bytes"])
    assert all(room > int(found[name].config["max.message.bytes"]) for name in topics.INPUTS)


def test_apply_sets_what_differs_and_nothing_else(gate: Settings) -> None:
    """A topic made by hand is brought in line; the values the catalogue does not name stay."""
    make_topic(gate, topics.CHANGELOG, 3)
    cluster = Cluster(gate)
    name = gate.topic_prefix + topics.CHANGELOG
    cluster.configure([(name, "max.compaction.lag.ms", "86400000")])
    changes = {change.name: change for change in provision.apply(gate).change}
    assert changes["cleanup.policy"].have == "delete"
    after = on_broker(gate)[topics.CHANGELOG].config
    assert after["cleanup.policy"] == "compact"
    assert after["max.compaction.lag.ms"] == "86400000"


@pytest.mark.parametrize("wanted", [2, 5], ids=["fewer", "more"])
def test_apply_never_changes_a_count_of_partitions(gate: Settings, wanted: int) -> None:
    """Another TOLLGATE_PARTITIONS is refused, naming topic, have and want; nothing changes."""
    make_topic(gate, topics.ORDERS, 3)
    with pytest.raises(Stop) as stopped:
        provision.apply(other(gate, partitions=wanted))
    assert stopped.value.cause is Cause.PARTITIONS_UNEQUAL
    name = gate.topic_prefix + topics.ORDERS
    assert f"{name} has 3 partitions, TOLLGATE_PARTITIONS is {wanted}" in str(stopped.value)
    assert set(on_broker(gate)) == {topics.ORDERS}


def test_a_reference_topic_has_one_partition(gate: Settings) -> None:
    """A reference topic with several partitions is refused: its order would say nothing."""
    make_topic(gate, topics.POLICIES, 2)
    with pytest.raises(Stop, match="a reference topic has one"):
        provision.apply(gate)


def test_an_empty_topic_may_change_its_clock(gate: Settings) -> None:
    """A topic without records goes over to simulated time, and back."""
    provision.apply(gate)
    simulated = other(gate, simulated_time=True)
    with pytest.raises(Stop, match="needs CreateTime"):
        provision.check(simulated)
    provision.apply(simulated)
    assert provision.check(simulated) == 3


def test_a_topic_with_records_keeps_its_clock(gate: Settings) -> None:
    """A log in two clocks' times has no order: with records in it, the change is refused."""
    provision.apply(gate)
    write_order(gate)
    with pytest.raises(Stop) as stopped:
        provision.apply(other(gate, simulated_time=True))
    assert stopped.value.cause is Cause.TOPIC_DIFFERS
    assert topics.ORDERS in stopped.value.detail
    assert "LogAppendTime" in stopped.value.detail


def test_a_worker_is_told_which_topics_are_missing(gate: Settings) -> None:
    """Before apply, check names the missing topics and says what to run."""
    with pytest.raises(Stop) as stopped:
        provision.check(gate)
    assert stopped.value.cause is Cause.TOPIC_MISSING
    assert gate.topic_prefix + topics.ORDERS in stopped.value.detail
    assert "tollgate topics apply" in stopped.value.advice


def test_a_worker_refuses_unequal_topics(gate: Settings) -> None:
    """Per-subscriber topics with other counts than orders stop a worker before it starts."""
    make_topic(gate, topics.REPLIES, 5)
    with pytest.raises(Stop):
        provision.apply(gate)
    for topic in CATALOGUE:
        if topic.name != topics.REPLIES:
            make_topic(gate, topic.name, 1 if topic.kind is Kind.REFERENCE else 3)
    with pytest.raises(Stop) as stopped:
        provision.check(gate)
    assert stopped.value.cause is Cause.PARTITIONS_UNEQUAL
    assert f"{topics.REPLIES} has 5 partitions" in stopped.value.detail


def test_more_copies_than_brokers_are_refused(kafka: EmbeddedBroker, prefix: str) -> None:
    """Three copies on one broker are refused with the setting's name, and nothing is made."""
    gate = Settings(
        bootstrap_servers=kafka.bootstrap_servers, topic_prefix=prefix, replication_factor=3
    )
    with pytest.raises(Stop, match="TOLLGATE_REPLICATION_FACTOR is more than there are brokers"):
        provision.apply(gate)
    assert on_broker(gate) == {}


def test_a_broker_that_is_away_is_said_so() -> None:
    """An address nobody listens on ends in one sentence with the address, not in a trace."""
    with pytest.raises(Stop) as stopped:
        provision.plan(Settings(bootstrap_servers="127.0.0.1:1"))
    assert stopped.value.cause is Cause.BROKER_AWAY
    assert "127.0.0.1:1" in stopped.value.detail


def test_copies_follow_the_copies_there_are() -> None:
    """min.insync.replicas is one less than the copies, and one when there is one."""
    orders = topics.BY_NAME[topics.ORDERS]
    asked = [
        provision.wanted_config(orders, simulated_time=False, replication=copies)
        for copies in (1, 2, 3)
    ]
    assert [config["min.insync.replicas"] for config in asked] == ["1", "1", "2"]
