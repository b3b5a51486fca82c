"""A small share of `make fuzz`, and that it would find something."""

from random import Random

import pytest
from click.testing import CliRunner

from tests.fuzz import fuzzing
from tests.fuzz.__main__ import JUDGED_INPUTS, main
from tests.fuzz.fuzzing import BYTES_FREE, Failure, Figures, Single, again, run
from tests.fuzz.mutate import mutated
from tests.fuzz.targets import TARGETS

INPUTS = 20_000
SEED = 1
# A timed test on a busy machine: gross failures only; `make fuzz` holds the figure.
GROSS_NS = 20_000_000


@pytest.mark.parametrize("name", TARGETS)
def test_any_input_is_answered(name: str) -> None:
    """Every input ends as it must; none raises, holds on to memory, or takes grossly long."""
    target = TARGETS[name]()
    assert target.name == name
    found = run(target, SEED, INPUTS)
    assert isinstance(found, Figures), str(found)
    assert found.is_steady
    assert found.p999_ns < GROSS_NS


class Planted(Single):
    """Takes bytes, and cannot bear one value of them, or allocates as much as they ask for."""

    name = "planted"

    def draw(self, draw: Random) -> bytes:
        return mutated(b"\0" * 12, draw)

    def take(self, made: bytes) -> bytes:
        if b"\x07" in made:
            raise LookupError(made)
        return made

    def judge(self, made: bytes, found: bytes) -> None:
        assert found == made


class Greedy(Planted):
    """Believes a length."""

    name = "greedy"

    def take(self, made: bytes) -> bytes:
        return bytes(BYTES_FREE * 2) if len(made) > 5 else b""

    def judge(self, made: bytes, found: bytes) -> None:
        """Anything goes."""


class Counting(Planted):
    """Fails at the third input of a session that has a byte set."""

    name = "counting"
    session = 100

    def begin(self, _draw: Random) -> None:
        self.met = 0

    def take(self, made: bytes) -> bytes:
        self.met += any(made)
        assert self.met < 3
        return made


def test_what_fails_is_cut_down_and_can_be_made_again() -> None:
    """A failing input is named by seed and number, and shown as short as it still fails."""
    found = run(Planted(), SEED, 10_000)
    assert isinstance(found, Failure)
    assert found.inputs == (b"\x07",)
    assert f"TARGET=planted SEED={SEED} INPUT={found.number}" in str(found)
    made, failure = again(Planted(), SEED, found.number)
    assert b"\x07" in made
    assert failure is not None
    assert "LookupError" in failure.story
    assert again(Planted(), SEED, found.number - 1)[1] is None


def test_what_came_before_is_kept_as_far_as_it_matters() -> None:
    """Of a session only the inputs are shown without which nothing fails."""
    found = run(Counting(), SEED, 100)
    assert isinstance(found, Failure)
    assert len(found.inputs) == 3
    assert all(map(any, found.inputs))


def test_memory_beyond_the_input_is_a_finding() -> None:
    """A length that is believed before the bytes are there is found among the sampled inputs."""
    found = run(Greedy(), SEED, 10_000)
    assert isinstance(found, Failure)
    assert "are allowed" in found.story


@pytest.mark.parametrize("option", [("--inputs", "0"), ("--inputs", "-1"), ("--seed", "-1")])
def test_no_inputs_are_refused(option: tuple[str, str]) -> None:
    """A run that would show nothing, or cannot be repeated by its seed, is a usage error."""
    asked = CliRunner().invoke(main, option)
    assert asked.exit_code == 2
    assert option[0] in asked.output


def test_of_few_inputs_the_slowest_are_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below so many the percentiles are shown only, and it is said; from there on they decide."""
    monkeypatch.setattr(fuzzing, "BOUND_NS", 0)
    command = ["--target", next(iter(TARGETS)), "--seed", "1", "--inputs"]
    few = CliRunner().invoke(main, [*command, "100"])
    assert (few.exit_code, "p99.9 is not judged" in few.output) == (0, True)
    enough = CliRunner().invoke(main, [*command, str(JUDGED_INPUTS)])
    assert (enough.exit_code, "p99.9 is not judged" in enough.output) == (1, False)
