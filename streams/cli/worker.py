"""`tollgate worker` and `tollgate faust`: the gate itself."""

import click

from streams import settings
from streams.cli.registry import registry_trouble


@click.command()
def worker() -> None:
    """Run one worker until it is told to stop (SIGTERM, Ctrl-C).

    Workers with the same TOLLGATE_GROUP share the work: start one for each core, each with its own
    TOLLGATE_DATA_DIR and TOLLGATE_INSTANCE. Killing one is safe: whoever goes on, goes on from the
    last committed turn. It ends with the code of its cause (`tollgate --exit-codes`).
    """
    from streams import app, provision

    loaded = settings.load()
    # Before anything of Faust starts: what stands in the way is then said in one sentence.
    provision.check(loaded)
    with registry_trouble():
        app.run_worker(loaded)


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def faust(arguments: tuple[str, ...]) -> None:
    """Run Faust's own commands on the gate: agents, tables, and others.

    What follows is passed on as it is; `tollgate faust --help` shows Faust's commands.
    """
    from streams import app

    loaded = settings.load()
    with registry_trouble():
        app.run_faust(loaded, arguments)
