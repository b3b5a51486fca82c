"""`make chaos`: every row with its seeds, one after another, and the table of what was observed.

The table of all rows is build/chaos.md; that of a few, build/chaos-some.md.

It goes on after a row that failed, and then ends with 1; also when none of the rows can run here.
What a failed run left behind stays in build/chaos; `SEED=n ROWS=name` runs it again.
"""

import os
import shutil
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import click

from streams.broker import EmbeddedBroker
from tests.chaos.report import Result, markdown
from tests.chaos.running import Run, run_row
from tests.chaos.table import named

_BUILD = Path("build")
_SEEDS = 3


@click.command()
@click.option("--rows", default="", help="Names, divided by commas; else all.")
@click.option("--seeds", type=click.IntRange(1), help="How many seeds; else 3, or 1 with --seed.")
@click.option("--seed", type=int, help="The first one; else drawn from the clock.")
def main(rows: str, seeds: int | None, seed: int | None) -> None:
    """Do to a real gate on a real broker whatever can be done to it."""
    try:
        wanted = named(rows)
    except ValueError as unknown:
        raise click.UsageError(str(unknown)) from None
    count = seeds or (_SEEDS if seed is None else 1)
    first = time.time_ns() // 1_000_000 % 1_000_000 if seed is None else seed
    click.echo(f"{len(wanted)} rows, seeds {first} to {first + count - 1}")
    results = []
    with ExitStack() as stack:
        shared = _Shared(_BUILD / "chaos" / f"shared-{first}", stack)
        for row in wanted:
            runs = []
            for each in range(first, first + count):
                folder = _BUILD / "chaos" / f"{row.name}-{each}"
                shutil.rmtree(folder, ignore_errors=True)
                run = run_row(row, each, shared, folder.absolute(), _tell)
                _say(row.name, run)
                if not run.trouble:
                    shutil.rmtree(folder, ignore_errors=True)
                runs.append(run)
                if run.not_run:
                    break
            results.append(Result(row, runs))
    _end(results, f"Seeds {first} to {first + count - 1}", "chaos-some.md" if rows else "chaos.md")


def _tell(sentence: str) -> None:
    click.echo(f"    {sentence}")


def _say(name: str, run: Run) -> None:
    load = f"load {os.getloadavg()[0]:.1f}"
    if run.trouble:
        click.echo(f"{name} seed {run.seed}: FAILED after {run.seconds:.1f} s, {load}")
        click.echo(run.trouble)
    elif run.observed is None:
        click.echo(f"{name} seed {run.seed}: NOT RUN: {run.not_run}")
    else:
        again = ", ".join(f"{one:.1f}" for one in run.observed.again_s)
        figures = ", ".join(f"{key} {value:g}" for key, value in run.observed.figures.items())
        click.echo(
            f"{name} seed {run.seed}: passed in {run.seconds:.1f} s, {load}; "
            f"{run.observed.sentence}; deciding again after {again or '-'} s; {figures}"
        )


def _end(results: list[Result], heading: str, file: str) -> None:
    cores, load = os.cpu_count(), os.getloadavg()[0]
    table = markdown(results, f"{heading}, {cores} cores, load {load:.1f} at the end.")
    _BUILD.mkdir(exist_ok=True)
    (_BUILD / file).write_text(table, encoding="utf-8")
    click.echo(f"\n{table}")
    failed = [result.row.name for result in results if result.failed]
    absent = [result.row.name for result in results if result.not_run]
    if absent:
        click.echo(f"not run here: {', '.join(absent)}")
    if failed:
        click.echo(f"FAILED: {', '.join(failed)}")
    if len(absent) == len(results):
        click.echo("FAILED: nothing could be run here")
    sys.exit(1 if failed or len(absent) == len(results) else 0)


class _Shared:
    """The broker that rows share, started when the first row asks for it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._broker: EmbeddedBroker | None = None

    def __call__(self) -> EmbeddedBroker:
        if self._broker is None:
            self._stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
            self._broker = self._stack.enter_context(EmbeddedBroker(self._folder))
        return self._broker


if __name__ == "__main__":
    main()
