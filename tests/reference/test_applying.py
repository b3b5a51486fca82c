"""A reference file and the topics of a real broker."""

import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import fastavro
import pytest
from confluent_kafka import KafkaException, Producer

from streams import clients, provision, topics
from streams.broker import EmbeddedBroker
from streams.codec.classes import types_of
from streams.codec.codecs import Codecs
from streams.codec.ids import repository
from streams.errors import Cause, Stop
from streams.gate import reference, words
from streams.gate.reference import Policy, Service
from streams.reference.applying import Result, apply, apply_file, plan
from streams.reference.changes import Kind
from streams.reference.file import load_text, with_lives
from streams.reference.log import Log, Writer
from streams.reference.problems import Refused
from streams.reference.records import Record, id_of
from streams.reference.standing import Standing, latest_decided, read_standing
from streams.settings import Settings
from tests.reference.examples import SMALL, spoilt

CODECS = Codecs.from_repository(types_of(words, reference))

# 2010-09-05T00:00:00Z, after everything in the small file.
DECIDED_AT = 1_283_644_800_000
# A commit whose answer librdkafka loses never returns by itself (its #5456).
_COMMIT_S = 20.0
_PATIENCE_S = 60.0

Write = Callable[[str], Path]


@pytest.fixture
def settings(kafka: EmbeddedBroker, prefix: str) -> Settings:
    """A gate of its own on the shared broker, its topics made."""
    made = Settings(bootstrap_servers=kafka.bootstrap_servers, topic_prefix=prefix, partitions=2)
    provision.apply(made)
    return made


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the reference file, which has one name throughout a test."""

    def written(text: str) -> Path:
        path = tmp_path / "file.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def standing(settings: Settings) -> Standing:
    with closing(Log(settings)) as log:
        return read_standing(settings, CODECS, log)


def records_on(settings: Settings) -> int:
    with closing(Log(settings)) as log:
        names = [settings.topic_prefix + name for name in topics.REFERENCES]
        return sum(len(messages) for messages in log.whole(names).values())


def on_topic(settings: Settings, topic: str, record_id: str) -> Record:
    return standing(settings).latest[topic, record_id]


def decide(settings: Settings, partition: int, *instants: int) -> None:
    """Put decisions of these instants on a partition, as a worker would."""
    release = repository().newest(topics.DECISIONS)
    schema = fastavro.schema.load_schema(f"schemas/{topics.DECISIONS}.avsc")
    producer = transactional(settings, partition)
    for instant in instants:
        body = io.BytesIO()
        fastavro.schemaless_writer(
            body,
            schema,
            {
                "sequence": 0,
                "cause": {"topic": "orders.v1", "partition": 0, "offset": 0, "index": 0},
                "cause_digest": bytes(16),
                "event_at": instant,
                "watermark": instant,
                "reference": [],
                "channel": "SMS",
                "reason": "NOTED",
                "state_before": "FRESH",
                "state_after": "FRESH",
                "effects": [],
                "salt": bytes(16),
                "seal": bytes(32),
            },
        )
        value = b"\0" + release.id.to_bytes(4, "big") + body.getvalue()
        for last_try in (False, False, True):
            producer.begin_transaction()
            producer.produce(settings.topic_prefix + topics.DECISIONS, value, None, partition)
            try:
                producer.commit_transaction(_COMMIT_S)
                break
            except KafkaException:
                if last_try:
                    raise
                producer = transactional(settings, partition)


def transactional(settings: Settings, partition: int) -> Producer:
    """A new handle of the same id, which ends what the one before has left open."""
    name = {"transactional.id": f"{settings.topic_prefix}test-{partition}"}
    producer = Producer(clients.producer(settings, "test") | name)
    producer.init_transactions(_PATIENCE_S)
    return producer


def kinds(result: Result) -> dict[Kind, int]:
    return {kind: sum(one.kind is kind for one in result.changes) for kind in Kind}


def test_a_file_comes_back_from_the_topics(settings: Settings, write: Write) -> None:
    """What apply writes is what a worker folds: every id, version 1, signed, in force."""
    result = apply(settings, write(SMALL), "wei", "the notice")
    found = standing(settings)
    assert not found.notes
    assert {id_of(change.record) for change in result.pending} == {
        record_id for _, record_id in found.latest
    }
    assert all(
        (record.version, record.changed_by, record.reason) == (1, "wei", "the notice")
        for record in found.latest.values()
    )
    in_force = found.catalogue.policy_at(DECIDED_AT)
    assert in_force is not None
    assert in_force.policy_id == "notice"
    assert in_force.record.rules[1].prompt_life_ms == 15 * 60 * 1000
    assert len(in_force.record.code_key) == 16


def test_plan_writes_nothing(settings: Settings, write: Write) -> None:
    """Plan says what apply would write and leaves the topics as they are."""
    result = plan(settings, write(SMALL))
    assert kinds(result)[Kind.ADDED] == 7
    assert not result.written
    assert "+ providers.v1 huayu\n" in result.text
    assert result.text.endswith("7 records to write; `tollgate reference apply` does it.")
    assert records_on(settings) == 0


def test_applying_twice_changes_nothing(settings: Settings, write: Write) -> None:
    """A file that is applied again writes nothing, also where it says `now`."""
    text = spoilt("effective_from: 2010-09-01T00:00:00+08:00", "effective_from: now")
    apply(settings, write(text))
    again = apply(settings, write(text))
    assert not again.written
    assert again.text == "= 7 unchanged\nNothing to write."
    assert records_on(settings) == 7


def test_only_what_changed_is_written(settings: Settings, write: Write) -> None:
    """A changed field gives the next version of that id alone, and the change is said in words."""
    apply(settings, write(SMALL), "wei", "start")
    result = apply(settings, write(spoilt("price_minor: 100", "price_minor: 150")), "li", "dearer")
    assert "~ services.v1 joke: price_minor: 100 → 150\n" in result.text
    assert "= 6 unchanged\n1 record written" in result.text
    joke = on_topic(settings, topics.SERVICES, "joke")
    assert isinstance(joke, Service)
    assert (joke.version, joke.price_minor, joke.changed_by) == (2, 150, "li")
    assert records_on(settings) == 8


def test_a_policy_keeps_its_code_key(settings: Settings, write: Write) -> None:
    """A policy's next version has the key of the one before, so that codes sent stay understood."""
    apply(settings, write(SMALL))
    before = on_topic(settings, topics.POLICIES, "notice")
    text = spoilt("grace: 10s", "grace: 20s")
    text = spoilt("2010-09-01T00:00:00+08:00", "2010-10-01T00:00:00+08:00", text)
    result = apply(settings, write(text))
    assert "grace: 10s → 20s" in result.text
    assert "effective_from: 2010-08-31T16:00:00Z → 2010-09-30T16:00:00Z" in result.text
    after = on_topic(settings, topics.POLICIES, "notice")
    assert isinstance(before, Policy)
    assert isinstance(after, Policy)
    assert (after.version, after.code_key) == (2, before.code_key)
    catalogue = standing(settings).catalogue
    in_september = catalogue.policy_at(DECIDED_AT)
    assert in_september is not None
    assert in_september.grace_ms == 10_000


def test_an_entry_taken_out_of_the_file_stays(settings: Settings, write: Write) -> None:
    """Nothing is deleted: plan says that the entry stays and how to stop it."""
    apply(settings, write(SMALL))
    shorter = SMALL.replace(
        SMALL[SMALL.index("  - {provider_id: yuehai") : SMALL.index("services:")], ""
    )
    result = plan(settings, write(shorter))
    assert kinds(result)[Kind.STAYS] == 1
    assert (
        "! providers.v1 yuehai: not in the file, so it stays; to stop it, list it with "
        "status: SUSPENDED" in result.text
    )
    assert not apply(settings, write(shorter)).written
    assert ("providers.v1", "yuehai") in standing(settings).latest


def test_what_is_decided_is_not_changed_afterwards(settings: Settings, write: Write) -> None:
    """Nothing new takes effect at or before the latest decided instant of any partition."""
    decide(settings, 1, DECIDED_AT - 1000, DECIDED_AT, DECIDED_AT - 5000)
    decide(settings, 0, DECIDED_AT - 7000)
    with pytest.raises(Refused) as refused:
        apply(settings, write(spoilt("2010-09-01T00:00:00+08:00", "2010-09-05T00:00:00Z")))
    told = [str(problem) for problem in refused.value.problems]
    assert len(told) == 3  # the policy, the credit change and the gateway
    assert "file.yaml:23: notice would take effect at 2010-09-05T00:00:00Z, but" in told[2]
    assert "what came until 2010-09-05T00:00:00Z has been decided; give it a later" in told[2]
    assert records_on(settings) == 0
    later = spoilt("2010-09-01T00:00:00+08:00", "2010-09-05T00:00:00.001Z")
    assert apply(settings, write(later.replace("2010-01-01T00:00:00+08:00", "now"))).written


def test_before_the_first_decision_anything_is_allowed(settings: Settings, write: Write) -> None:
    """While nothing has been decided, a file may take effect long ago."""
    with closing(Log(settings)) as log:
        assert latest_decided(settings, CODECS, log, 2) is None
    assert apply(settings, write(SMALL)).written


def test_what_was_applied_stays_valid_when_decided(settings: Settings, write: Write) -> None:
    """Entries that do not change are not judged again by what has been decided since."""
    apply(settings, write(SMALL))
    decide(settings, 0, DECIDED_AT)
    result = apply(settings, write(spoilt("price_minor: 100", "price_minor: 150")))
    assert kinds(result)[Kind.CHANGED] == 1


def test_now_is_a_moment_ahead(settings: Settings, write: Write) -> None:
    """`now` is later than the clock and later than everything decided."""
    ahead = time.time_ns() // 1_000_000 + 60_000
    decide(settings, 0, ahead)
    text = SMALL.replace("2010-01-01T00:00:00+08:00", "now")
    apply(settings, write(spoilt("2010-09-01T00:00:00+08:00", "now", text)))
    policy = on_topic(settings, topics.POLICIES, "notice")
    assert isinstance(policy, Policy)
    assert ahead < policy.effective_from <= ahead + 10_000


def test_under_simulated_time_somebody_says_what_now_is(settings: Settings, write: Write) -> None:
    """No clock tells the simulated time, so `now` needs the instant that it means."""
    simulated = replace(settings, simulated_time=True)
    provision.apply(simulated)
    path = write(spoilt("2010-09-01T00:00:00+08:00", "now"))
    with pytest.raises(Stop, match="Say which instant it is with --at") as stop:
        plan(simulated, path)
    assert stop.value.cause is Cause.REFERENCE_REFUSED
    apply(simulated, path, at=DECIDED_AT)
    policy = on_topic(simulated, topics.POLICIES, "notice")
    assert isinstance(policy, Policy)
    assert policy.effective_from == DECIDED_AT


def test_under_the_clock_nobody_says_what_now_is(settings: Settings, write: Write) -> None:
    """Where the clock tells the time, an instant given for `now` is refused."""
    with pytest.raises(Stop, match="this gate follows the clock"):
        plan(settings, write(SMALL), at=DECIDED_AT)


def test_a_policy_at_the_instant_of_another_is_refused(settings: Settings, write: Write) -> None:
    """What the catalogue would not take beside what stands on the topics is refused at its line."""
    apply(settings, write(SMALL))
    with pytest.raises(Refused, match=r"file\.yaml:22: policy other version 1 takes effect at the"):
        plan(settings, write(spoilt("policy_id: notice", "policy_id: other")))


def test_a_name_too_long_for_a_policy_on_the_topics_is_refused(
    settings: Settings, write: Write
) -> None:
    """A service is also measured with the templates of policies that are not in its file."""
    apply(settings, write(SMALL))
    without = spoilt("zh: 每日笑话", f"zh: {'笑' * 50}")
    without = without[: without.index("policies:")]
    with pytest.raises(Refused) as refused:
        plan(settings, write(without))
    (problem,) = refused.value.problems
    assert problem.line == 9
    assert "the zh prompt of policy notice takes" in problem.what


def test_of_two_who_apply_at_once_only_one_writes(settings: Settings) -> None:
    """Who began earlier is fenced out by who began later, and nothing of it is seen."""
    topic = settings.topic_prefix + topics.PROVIDERS
    earlier = Writer(settings)
    later = Writer(settings)
    with pytest.raises(Stop, match="somebody else has begun to apply") as stop:
        earlier.write([(topic, b"a", b"a"), (topic, b"b", b"b")])
    assert stop.value.cause is Cause.FENCED
    assert records_on(settings) == 0
    later.write([(topic, b"c", b"c")])
    assert records_on(settings) == 1


def test_what_is_being_committed_is_waited_for(settings: Settings) -> None:
    """A commit is answered before every reader sees it: who reads at once does not miss it."""
    writer = transactional(settings, 0)
    writer.begin_transaction()
    writer.produce(settings.topic_prefix + topics.PROVIDERS, b"x", b"x", 0)
    assert writer.flush(_PATIENCE_S) == 0
    with ThreadPoolExecutor(1) as beside:
        read = beside.submit(records_on, settings)
        with pytest.raises(TimeoutError):
            read.result(1)
        writer.commit_transaction(_COMMIT_S)
        assert read.result(_PATIENCE_S) == 1


def test_a_half_written_file_is_not_seen(settings: Settings) -> None:
    """When one record cannot be written, none of the file's is ever read."""
    topic = settings.topic_prefix + topics.PROVIDERS
    with pytest.raises(Stop):
        Writer(settings).write([(topic, b"a", b"a"), (topic, b"b", bytes(3_000_000))])
    assert records_on(settings) == 0


def test_what_is_not_in_force_on_the_topics_is_said(settings: Settings, write: Write) -> None:
    """A record that somebody wrote past apply, and that no worker takes, is named by its place."""
    Writer(settings).write([(settings.topic_prefix + topics.PROVIDERS, b"x", b"nonsense")])
    result = plan(settings, write(SMALL))
    assert f"{settings.topic_prefix}providers.v1 at offset 0 is not in force: " in result.text
    assert kinds(result)[Kind.ADDED] == 7


def test_a_change_has_a_reason(settings: Settings, write: Write) -> None:
    """A change for which neither the file nor the caller gives a reason is refused."""
    path = write(spoilt("reason: a test\n", ""))
    with pytest.raises(Stop, match="Give --reason"):
        apply(settings, path)
    assert apply(settings, path, reason="the notice").written


def test_missing_topics_are_named(kafka: EmbeddedBroker, prefix: str, write: Write) -> None:
    """Without topics the command ends with what to run first."""
    bare = Settings(bootstrap_servers=kafka.bootstrap_servers, topic_prefix=prefix)
    with pytest.raises(Stop) as stop:
        plan(bare, write(SMALL))
    assert stop.value.cause is Cause.TOPIC_MISSING


def test_a_demonstration_shortens_lives_only(settings: Settings) -> None:
    """With other lives the same file gives the same policy but for its waits."""
    file = with_lives(load_text(SMALL, "file.yaml"), prompt_life_ms=4000, grace_ms=1000)
    apply_file(settings, file)
    policy = on_topic(settings, topics.POLICIES, "notice")
    assert isinstance(policy, Policy)
    assert policy.grace_ms == 1000
    assert [rule.prompt_life_ms for rule in policy.rules] == [4000, 4000, 0]
