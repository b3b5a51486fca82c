"""`tollgate tail`: any topic decoded, from where one asks, and never a whole number."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from streams import topics
from streams.broker import EmbeddedBroker
from streams.cli.main import tollgate
from streams.errors import Cause
from streams.masking import mask_bytes, mask_id, mask_text
from streams.tail import find
from streams.tail.showing import TABLES
from tests.app.rig import ASKS, ASKS_NOT, Gate, Unsent, example, keyed, now_ms, order, reply

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = [f"86120000000{ending}" for ending in range(10, 16)]


def tail(gate: Gate, *arguments: str) -> Result:
    """A tail in this process, against this gate."""
    return CliRunner(env=dict(gate.environment)).invoke(tollgate, ["tail", *arguments])


def shown(result: Result) -> list[dict[str, Any]]:
    """The lines of a tail that ended well."""
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture(scope="module")
def gate(kafka: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Gate:
    """A gate that has decided a little of everything, its worker stopped."""
    made = Gate(kafka, "tail-tests.", tmp_path_factory.mktemp("tail"), example())
    with made.worker() as worker:
        at = now_ms()
        first = [keyed(order(number, f"o-{number}", ASKS_NOT, at)) for number in NUMBERS]
        asked = keyed(order(NUMBERS[0], "20261124000000000017", ASKS, at))
        answer = keyed(reply(NUMBERS[0], "r-1", at, f"Y 我的号码 {NUMBERS[1]}"))
        strange = Unsent(topics.ORDERS, NUMBERS[2].encode(), f"no order of {NUMBERS[2]}".encode())
        conflict = keyed(order(NUMBERS[0], f"o-{NUMBERS[0]}", ASKS_NOT, at, source=NUMBERS[0]))
        other = keyed(order(NUMBERS[0], f"o-{NUMBERS[0]}", ASKS_NOT, at, price_minor=101))
        sent = made.write(*first, asked, answer, strange, conflict, other)
        worker.wait(lambda: made.has_taken(sent), "everything decided")
        assert worker.stop() == 0
    return made


@pytest.mark.parametrize("topic", topics.CATALOGUE, ids=lambda topic: str(topic.name))
def test_every_topic_is_shown_without_a_number(gate: Gate, topic: topics.Topic) -> None:
    """Whatever the topic holds comes out as JSON lines, and no line has a whole number."""
    result = tail(gate, topic.name, "--from-offset", "0")
    for line in shown(result):
        assert {"topic", "partition", "offset", "time"} <= line.keys()
        assert line["topic"] == f"tail-tests.{topic.name}"
        assert "unreadable" not in line or topic.name in (topics.ORDERS, topics.DEAD_LETTERS)
    for number in NUMBERS:
        assert number not in result.output
        assert number[2:] not in result.output


def test_an_order_is_shown_field_by_field(gate: Gate) -> None:
    """Enums by symbol, times in ISO 8601, the number masked in key, field and id."""
    lines = shown(tail(gate, "orders", "--from-offset", "0", "--limit", "4"))
    assert len(lines) == 4
    whole = shown(tail(gate, "vas.orders.v1".removeprefix("vas."), "--last", "10000"))
    [asked] = [each for each in whole if each.get("value", {}).get("order_id", "").startswith("2")]
    assert asked["key"] == asked["value"]["msisdn"] == "…010"
    assert asked["value"]["order_id"] == "20261124000000000017"
    assert asked["value"]["channel"] == "SMS"
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", asked["value"]["ordered_at"])
    plain = [each for each in whole if each.get("value", {}).get("order_id") == "o-…010"]
    assert plain, "an id that holds the number is masked where it does"
    assert plain[-1]["value"]["source"] in ("smsc-1", "…010")


def test_the_last_are_sorted_by_time_and_a_partition_stands_alone(gate: Gate) -> None:
    """--last counts records of each partition, not the marks of transactions between them."""
    every = shown(tail(gate, "decisions", "--from-offset", "0"))
    last = shown(tail(gate, "decisions", "--last", "2"))
    assert [line["time"] for line in last] == sorted(line["time"] for line in last)
    for partition in (0, 1):
        ours = [line["offset"] for line in every if line["partition"] == partition]
        assert [line["offset"] for line in last if line["partition"] == partition] == ours[-2:]
        alone = shown(tail(gate, "decisions.v1", "--partition", str(partition), "--last", "99"))
        assert [line["offset"] for line in alone] == ours[-99:]


def test_a_time_and_an_offset_say_where_to_begin(gate: Gate) -> None:
    """The first record of that time or later; an offset before the first record is the first."""
    every = shown(tail(gate, "orders", "--partition", "0", "--from-offset", "0"))
    middle = every[len(every) // 2]
    later = shown(tail(gate, "orders", "--partition", "0", "--from-time", middle["time"]))
    assert later == [line for line in every if line["time"] >= middle["time"]]
    onward = shown(tail(gate, "orders", "--partition", "0", "--from-offset", str(middle["offset"])))
    assert onward == [line for line in every if line["offset"] >= middle["offset"]]
    assert shown(tail(gate, "orders", "--from-time", "2100-01-01T00:00:00Z")) == []
    past = tail(gate, "orders", "--from-offset", "999999")
    assert shown(past) == []
    assert re.search(r"orders\.v1 ends before that: partition 0 at \d+, ", past.stderr)
    assert tail(gate, "orders", "--from-offset", "0").stderr == ""


def test_a_dead_letter_says_why_and_shows_what_can_be_read(gate: Gate) -> None:
    """Its cause and place; a readable record field by field, other bytes without a digit."""
    letters = shown(tail(gate, "dead-letters", "--from-offset", "0"))
    causes = {line["dead_letter"]["cause"]: line for line in letters}
    assert set(causes) == {"wrong_magic", "conflict"}
    assert causes["conflict"]["value"]["price_minor"] == 101
    assert causes["conflict"]["dead_letter"]["topic"] == "tail-tests.orders.v1"
    unread = causes["wrong_magic"]
    assert unread["unreadable"]["cause"] == "wrong_magic"
    assert unread["begins"] == "no order of " + "#" * 13
    assert unread["bytes"] == 25


def test_the_changelog_shows_its_rows(gate: Gate) -> None:
    """Each row under its table, with the number in the key masked; positions are named."""
    lines = shown(tail(gate, "gate-changelog", "--from-offset", "0"))
    tables = {line["table"] for line in lines}
    assert (
        {"orders", "positions"}
        <= tables
        <= {table for table, *_ in TABLES.values()} | {"positions"}
    )
    seen = [line for line in lines if line["table"] == "orders"]
    assert all(re.fullmatch(r"…\d{3}", line["key"][0]) for line in seen)
    assert len(seen[0]["value"]["digest"]) == 32


def test_the_policys_code_key_is_hidden(gate: Gate) -> None:
    """Whoever may tail the policies cannot compute reply codes from what is shown."""
    policies = shown(tail(gate, "policies"))
    assert policies
    assert {line["value"]["code_key"] for line in policies} == {"(hidden)"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("order",), "is it orders?"),
        (("orders", "--last", "3", "--from-offset", "1"), "exclude each other"),
        (("orders", "--from-time", "yesterday"), "no instant with a zone"),
        (("orders", "--limit", "0"), "0 is not in the range"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(arguments: tuple[str, ...], says: str) -> None:
    """Names and options are judged before any broker is asked."""
    refused = CliRunner().invoke(tollgate, ["tail", *arguments])
    assert refused.exit_code == 2
    assert says in refused.output


def test_a_partition_or_topic_that_is_not_there_says_so(
    gate: Gate, kafka: EmbeddedBroker, prefix: str
) -> None:
    """A partition is a wrong word, and there are so many; a topic has its own cause."""
    beyond = tail(gate, "orders", "--partition", "7")
    assert beyond.exit_code == 2
    assert "has 2 partitions, 0 to 1: there is no 7" in beyond.output
    where = {
        "TOLLGATE_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "TOLLGATE_TOPIC_PREFIX": prefix,
    }
    missing = CliRunner(env=where).invoke(tollgate, ["tail", "orders"])
    assert missing.exit_code == Cause.TOPIC_MISSING.exit_code
    assert f"{prefix}orders.v1" in missing.output
    away = CliRunner(env={"TOLLGATE_BOOTSTRAP_SERVERS": "127.0.0.1:1"}).invoke(
        tollgate, ["tail", "orders"]
    )
    assert away.exit_code == Cause.BROKER_AWAY.exit_code


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C reaches our children: a shell's background job is started with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_following_goes_on_and_ends_well_at_ctrl_c(
    kafka: EmbeddedBroker, prefix: str, tmp_path: Path
) -> None:
    """What comes after the start is shown as it comes; Ctrl-C ends with 0 and no trace."""
    quiet = Gate(kafka, prefix, tmp_path)
    before = quiet.write(keyed(order(NUMBERS[0], "o-1", ASKS, now_ms())))
    with subprocess.Popen(
        [sys.executable, "-m", "streams", "tail", "orders", "-f"],
        env=quiet._environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as following:
        try:
            assert following.stdout is not None
            assert place_of(following.stdout.readline) == before[0].place
            after = quiet.write(keyed(order(NUMBERS[1], "o-2", ASKS, now_ms())))
            assert place_of(following.stdout.readline) == after[0].place
            following.send_signal(signal.SIGINT)
            rest, said = following.communicate(timeout=30)
            assert (following.returncode, rest, said) == (0, "", "")
        finally:
            if following.poll() is None:
                following.kill()


def place_of(read_line: Callable[[], str]) -> tuple[str, int, int]:
    line = json.loads(read_line())
    return topics.ORDERS, line["partition"], line["offset"]


def test_topics_are_found_by_any_of_their_names() -> None:
    """With or without prefix and version; nothing else."""
    for topic in topics.CATALOGUE:
        for name in (topic.name, f"vas.{topic.name}", topic.name.removesuffix(".v1")):
            assert find(name, "vas.") is topic
    assert find("other.orders.v1", "vas.") is None


def test_the_tables_shown_are_those_that_are_declared() -> None:
    """The changelog's prefixes, tables and schemas are those of job.py."""
    source = (ROOT / "streams/job.py").read_text("utf-8")
    declared = re.findall(r'(?:table|seen)\(\s*"(\w+)",\s*b"(\w)"', source)
    kinds = re.findall(r"kind=(\w+),", source)
    assert [(table, key.decode()) for key, (table, _, _, _) in TABLES.items()] == declared
    assert {kind.__name__ for _, _, kind, _ in TABLES.values()} == set(kinds)


@given(
    number=st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True),
    before=st.text(max_size=5),
    after=st.text(max_size=5),
    sign=st.sampled_from(["", " ", "-", ".", "/", ") ", "，", "_", "\n", " - "]),
)
def test_no_text_shows_a_number(number: str, before: str, after: str, sign: str) -> None:
    """However it is written, alone or in a text, at most its last three digits are left."""
    written = sign.join(number)
    for text in (before + written + after, before + written.translate(WIDE) + after):
        digits = "".join(re.findall(r"\d", mask_text(text)))
        assert len(digits) <= len(re.findall(r"\d", before + after)) + 3
    assert number[:-3] not in mask_bytes(number.encode("utf-16-le"))
    assert not re.search(r"\d", mask_bytes((before + written + after).encode("utf-8", "ignore")))
    if len(number) >= 8:
        assert number not in mask_id(f"o-{number}-1", (number,))


WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


def test_ids_of_ours_stay_whole_in_texts() -> None:
    """A refund's or a complaint's id in an alarm can be looked up as it stands."""
    for kept in (
        "refund f-0f6f1f1c9b1234567b1d2c3a4e5f6071",
        "action 01a20d74-6f6f-7073-b4df-012345678901",
        "3 of 100 within 5 minutes",
    ):
        assert mask_text(kept) == kept


def test_an_id_with_sixteen_digits_in_a_row_is_none_of_ours() -> None:
    """Numbers written in a row may take an id's form (found by fuzzing)."""
    assert mask_text("c-46700000001470000001146700000001") == "c-…001"
    assert mask_text("c-4670000000146700000146700000001c") == "c-…001c"
    assert mask_text("12345678-1234-1234-1234-123456789012") == "…012"
