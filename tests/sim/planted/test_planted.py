"""The simulator bites: each planted fault is found, here by a seed that is known to find it."""

import pytest

from tests.sim.planted import hunt
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


def test_a_name_of_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A part of no planted fault's name is a usage error that lists their names."""
    with pytest.raises(SystemExit) as refused:
        hunt.main(["--name", "nonsense"])
    assert refused.value.code == 2
    told = capsys.readouterr().err
    assert all(planted.name in told for planted in FAULTS)


def test_only_a_violation_finds_a_fault() -> None:
    """What else a run raises is an error of the simulator's, and goes up."""
    ours = Planted(
        name="an error of the simulator",
        broken="A step of the run ends in an exception.",
        function="tests.sim.run:Run._pass",
        old="draw = self.draw",
        new="raise LookupError",
        found_at=0,
        within=1,
    )
    with pytest.raises(LookupError):
        find(ours, range(1))
