"""What is made of the samples of a run."""

import pytest

from tests.peers.audit import Findings
from tests.peers.process import Sample
from tests.peers.speed import Speed, figures

EXACT = Findings(1_000, 1_000, 0, 0, 0, 0)


def drained(*samples: tuple[int, Sample]) -> Speed:
    return figures(list(samples), 100.0, 1_000, 50.0, EXACT)


def test_the_second_half_is_told_apart_from_the_whole() -> None:
    """From the sample with half of what is written (markers included) to the first with all."""
    told = drained(
        (0, Sample(101.0, 1.0, 0.5, 9.0)),
        (200, Sample(102.0, 2.0, 0.6, 9.0)),
        (550, Sample(103.0, 3.0, 0.7, 9.0)),
        (1_100, Sample(105.0, 3.5, 1.2, 10.0)),
        (1_100, Sample(108.0, 7.0, 9.0, 20.0)),
    )
    assert told.events_per_cpu_s_half == pytest.approx(500 / 0.5)
    assert told.events_per_cpu_s == pytest.approx(1_000 / 3.5)
    assert told.events_per_s_half == pytest.approx(500 / 2.0)
    assert told.events_per_s == pytest.approx(1_000 / 5.0)
    assert told.broker_us_half == pytest.approx(0.5 / 500 * 1e6)
    assert told.others_cores_half == pytest.approx(0.5)
    assert told.start_s == pytest.approx(2.0)


def test_a_run_that_passed_between_two_looks_says_nothing() -> None:
    """No rate is made up from no time."""
    with pytest.raises(RuntimeError, match="too few"):
        drained((0, Sample(101.0, 1.0, 0.5, 9.0)), (1_100, Sample(102.0, 2.0, 0.6, 9.0)))
