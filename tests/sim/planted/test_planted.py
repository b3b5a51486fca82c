"""The simulator bites: each planted fault is found, here by a seed that is known to find it."""

import pytest

from tests.sim.planted.hunt import FAULTS, find
from tests.sim.planted.planting import Planted, broken_code, function_of


def test_there_are_enough_of_them() -> None:
    """At least twenty-five faults, no two of one name, each with a stated number of seeds."""
    assert len({planted.name for planted in FAULTS}) == len(FAULTS) >= 25
    assert all(planted.found_at < planted.within <= 200 for planted in FAULTS)


@pytest.mark.parametrize("planted", FAULTS, ids=[planted.name for planted in FAULTS])
def test_a_planted_fault_is_found(planted: Planted) -> None:
    """Within three seeds from the one that is known for it, a run with the fault is a violation."""
    assert find(planted, range(planted.found_at, planted.found_at + 3)) is not None


def test_a_fault_is_gone_afterwards() -> None:
    """Planting exchanges a function's code and puts the whole one back."""
    for planted in FAULTS:
        function = function_of(planted)
        assert function.__code__.co_filename != f"<{planted.name}>"
        assert broken_code(planted, function).co_code
