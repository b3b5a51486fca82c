"""What a profile's samples come to, from stacks as py-spy writes them."""

from tests.figures.profile import by_stage, report

STACKS = (
    "run (threading.py:1);step (streams/engine/engine.py:9);decide (streams/gate/decide.py:3) 30",
    "step (streams/engine/engine.py:9);send (streams/egress/outbox.py:1);go (<encoder of x>:1) 10",
    "step (streams/engine/engine.py:9);rd_kafka_produceva (librdkafka.so);memcpy (libc.so.6) 5",
    "run (threading.py:1);get (_queuemodule.c:253);PyThread_acquire_lock_timed (libpython.so);x 99",
    "nobody (elsewhere.py:1) 5",
)


def test_a_stack_counts_for_its_innermost_stage_and_waiting_for_none() -> None:
    """Frames without a stage are passed over, outwards; a thread that waits is not counted."""
    assert by_stage(STACKS) == {
        "deciding": 30,
        "encoding": 10,
        "librdkafka, called from Python": 5,
        "everything else": 5,
    }


def test_samples_become_microseconds_an_event() -> None:
    """The CPU of Python's threads is shared out among the stages; others' is told beside it."""
    told = report(
        {"Python's threads": 0.5, "librdkafka's own threads": 0.1}, by_stage(STACKS), 10_000
    )
    assert "10000 events, 60.0 µs of CPU an event" in told
    assert "| librdkafka's own threads | 10.0 |" in told
    assert "| deciding | 60.0% | 30.0 |" in told
