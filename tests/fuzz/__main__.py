"""`make fuzz`: any bytes, by the million, to everything that takes bytes or text from outside.

The exit code is 0 only when every input was answered, 99.9 % of them within a millisecond of CPU
time, and the process did not grow. Of too few inputs that share is not judged, and this is said.
"""

import os
import sys
import time

import click

from tests.fuzz.fuzzing import BOUND_NS, GROWTH_MAX_BYTES, Failure, Figures, again, run
from tests.fuzz.targets import TARGETS

# Of fewer a handful of slow ones are a thousandth, and one busy moment of the machine is a verdict.
JUDGED_INPUTS = 10_000


@click.command()
@click.option(
    "--inputs",
    type=click.IntRange(min=1),
    default=1_000_000,
    show_default=True,
    help=f"To each target; 99.9 % are judged from {JUDGED_INPUTS:,} on.",
)
@click.option("--target", type=click.Choice(tuple(TARGETS)), help="Only this one; else all.")
@click.option("--seed", type=click.IntRange(min=0), help="Of all chance; else drawn.")
@click.option(
    "--input",
    "number",
    type=click.IntRange(min=0),
    help="Take only this input of the seed, and show it.",
)
def main(inputs: int, target: str | None, seed: int | None, number: int | None) -> None:
    """Feed the targets, and tell how they took it."""
    if number is not None:
        if target is None or seed is None:
            raise click.UsageError("An input is made again from its TARGET and SEED: name both.")
        _show(target, seed, number)
    seed = time.time_ns() % 1_000_000 if seed is None else seed
    click.echo(f"seed {seed}: {inputs:,} inputs a target; CPU time of one input, in microseconds")
    click.echo(
        f"{'target':14}{'inputs/s':>10}{'p50':>8}{'p99':>8}{'p99.9':>8}{'max':>10}{'+ MB':>7}"
    )
    ended = [_run(name, seed, inputs) for name in ([target] if target else TARGETS)]
    if inputs < JUDGED_INPUTS:
        click.echo(f"p99.9 is not judged: that takes {JUDGED_INPUTS:,} inputs a target")
    click.echo(f"seed {seed}: load average {os.getloadavg()[0]:.1f}")
    sys.exit(0 if all(ended) else 1)


def _run(name: str, seed: int, inputs: int) -> bool:
    """Whether all went well with one target."""
    found = run(TARGETS[name](), seed, inputs)
    if isinstance(found, Failure):
        click.echo(f"FAILED: {found}")
        return False
    click.echo(_line(found))
    is_quick = found.is_quick or inputs < JUDGED_INPUTS
    if not is_quick:
        click.echo(
            f"FAILED: {name}: 99.9 % of the inputs must take less than {BOUND_NS:,} ns of CPU; "
            f"a load average of {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores makes it more"
        )
    if not found.is_steady:
        click.echo(f"FAILED: {name}: more than {GROWTH_MAX_BYTES:,} bytes were kept")
    return is_quick and found.is_steady


def _line(figures: Figures) -> str:
    times = (figures.p50_ns, figures.p99_ns, figures.p999_ns)
    shown = "".join(f"{ns / 1000:8.0f}" for ns in times)
    rate = figures.inputs / figures.seconds
    grown = figures.growth_bytes / 1e6
    return f"{figures.target:14}{rate:10,.0f}{shown}{figures.most_ns / 1000:10,.0f}{grown:7.1f}"


def _show(name: str, seed: int, number: int) -> None:
    """One input, and what became of it."""
    made, failure = again(TARGETS[name](), seed, number)
    click.echo(str(failure) if failure else f"{name}: {made!r}\nis taken.")
    sys.exit(1 if failure else 0)


if __name__ == "__main__":
    main()
