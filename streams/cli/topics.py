"""`tollgate topics`: the catalogue of topics on a broker."""

import click

from streams import settings
from streams.cli.ending import EndingGroup


@click.group(cls=EndingGroup)
def topics() -> None:
    """Make the gate's topics on the broker, from the one catalogue."""


@topics.command()
def plan() -> None:
    """Show what apply would do; changes nothing.

    \b
    +  a topic to be made
    ~  a value to be set
    !  what stands in the way, and apply would refuse
    """
    from streams import provision

    planned = provision.plan(settings.load())
    for line in planned.lines():
        click.echo(line)
    if planned.refused:
        raise planned.refused[0]
    if planned.is_empty:
        click.echo("Nothing to do: every topic is as the catalogue says.")


@topics.command()
def apply() -> None:
    """Make what is missing and set what differs; never deletes, shrinks or grows a topic.

    How many partitions and copies is said by TOLLGATE_PARTITIONS (for life) and
    TOLLGATE_REPLICATION_FACTOR; with TOLLGATE_SIMULATED_TIME=true records keep the simulator's
    time. Applying twice is harmless.
    """
    from streams import provision

    done = provision.apply(settings.load())
    for line in done.lines():
        click.echo(line)
    made, changed = len(done.create), len(done.change)
    click.echo(f"Done: {made} topics made, {changed} values set; read back and as planned.")
