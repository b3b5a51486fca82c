"""The scheduler: repeatable, and merciless to the dead."""

from collections.abc import Callable

from tests.sim.model.scheduler import Process, World


def walk(process: Process, said: list[str], steps: int = 5) -> Callable[[], None]:
    def work() -> None:
        for step in range(steps):
            process.world.pause(process, "step")
            said.append(f"{process.name} {step} {process.world.now:.6f}")

    return work


def told(seed: int) -> list[str]:
    """What three processes do together."""
    world, said = World(seed), list[str]()
    for name in "abc":
        process = world.process(name)
        process.spawn_main(walk(process, said))
    world.run_for(10)
    world.close()
    return said


def test_a_seed_is_a_run() -> None:
    """The same seed gives the same run; among twenty seeds there are many orders."""
    assert told(1) == told(1)
    orders = {"".join(line[0] for line in told(seed)) for seed in range(20)}
    assert len(orders) > 10


def test_the_dead_do_nothing() -> None:
    """A killed task's clean-up cannot reach the world, and its events do not happen."""
    world, said = World(1), list[str]()
    process = world.process("a")

    def work() -> None:
        try:
            world.pause(process, "long", 5.0)
            said.append("lived")
        finally:
            said.append("unwound")
            world.pause(process, "clean-up")
            said.append("acted")

    process.spawn_main(work)
    world.later(2.0, lambda: said.append("event"), process)
    world.run_for(1)
    process.kill()
    world.run_for(10)
    assert said == ["unwound"]
    assert not process.tasks


def test_a_task_can_kill_its_own_process_at_a_pause() -> None:
    """A failpoint ends the process at the very pause, with all its tasks."""
    world, said = World(1), list[str]()
    process = world.process("a")
    process.spawn_main(walk(process, said, 1000), "one")
    process.spawn_main(walk(process, said, 1000), "two")
    seen: list[str] = []

    def failpoint(at: Process, what: str) -> None:
        seen.append(what)
        if len(seen) == 7:
            at.kill()

    world.on_pause = failpoint
    world.run_for(10)
    assert process.dead
    assert process.failure is None
    assert len(said) <= 6
    assert not process.tasks


def test_a_frozen_process_wakes_as_it_was() -> None:
    """Nothing of a frozen process happens until it is thawed; then all of it does."""
    world, said = World(1), list[str]()
    process = world.process("a")
    process.spawn_main(walk(process, said))
    process.freeze()
    world.later(1.0, lambda: said.append("event"), process)
    world.run_for(10)
    assert said == []
    process.thaw()
    world.run_for(10)
    assert len(said) == 6
    assert world.now == 20.0
    world.close()


def test_an_answer_is_awaited_on_simulated_time() -> None:
    """`result` pauses the task until the work is done, or the time is up."""
    world, said = World(1), list[str]()
    process = world.process("a")

    def slow() -> int:
        world.pause(process, "slow", 3.0)
        return 7

    def work() -> None:
        answer = process.spawn(slow)
        assert not answer.wait(1.0)
        said.append(f"{answer.result()} at {world.now:.0f}")

    process.spawn_main(work)
    assert world.run_until(lambda: bool(said), 60)
    assert said == ["7 at 3"]
    world.close()


def test_what_a_main_task_raises_ends_its_process() -> None:
    """The failure is kept for the driver, and the other tasks end."""
    world, said = World(1), list[str]()
    process = world.process("a")

    def work() -> None:
        world.pause(process, "a")
        raise ValueError("no")

    process.spawn_main(work)
    process.spawn_main(walk(process, said, 1000))
    world.run_for(10)
    assert process.dead
    assert isinstance(process.failure, ValueError)
