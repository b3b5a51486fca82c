"""`tollgate tail`: what lies on a topic, decoded and masked, a line each."""

from contextlib import closing
from itertools import islice

import click

from streams import settings
from streams.cli.instant import INSTANT
from streams.cli.registry import registry_trouble


@click.command()
@click.argument("topic")
@click.option("--last", type=click.IntRange(1, 10_000), help="So many of each partition; 10.")
@click.option("--from-offset", type=click.IntRange(min=0), help="From this offset on.")
@click.option("--from-time", type=INSTANT, help="From the first record of this time on.")
@click.option("--partition", type=click.IntRange(min=0), help="This partition alone.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--limit", type=click.IntRange(min=1), help="End after so many records.")
def tail(
    topic: str,
    last: int | None,
    from_offset: int | None,
    from_time: int | None,
    partition: int | None,
    follow: bool,  # noqa: FBT001  # click gives options by name
    limit: int | None,
) -> None:
    """Show a topic's records, a line of JSON each: tollgate tail orders -f

    TOPIC is one of the catalogue, with or without prefix and `.v1`. Begins with the last 10 of each
    partition, unless one of --last, --from-offset, --from-time says otherwise; ends where the topic
    ended, unless --follow. Only what was committed is shown. A partition's records come in their
    order; those of several as they arrive, sorted by time with --last.

    A number is shown as its last three digits, wherever it stands, also in texts. There is no
    option to show it whole: that takes a named role and a recorded look (`tollgate care look`).
    """
    from streams.tail import NoSuchPartition, Shower, Start, Tail, codecs_of, find, like

    loaded = settings.load()
    if sum(one is not None for one in (last, from_offset, from_time)) > 1:
        raise click.UsageError("--last, --from-offset and --from-time exclude each other")
    found = find(topic, loaded.topic_prefix)
    if found is None:
        raise click.UsageError(f"there is no topic {topic!r}; is it {', '.join(like(topic))}?")
    start = Start(from_offset, from_time, last or Start().last)
    with registry_trouble():
        shower = Shower(codecs_of(loaded), found, loaded.topic_prefix)
        try:
            opened = Tail(loaded, found.full_name(loaded.topic_prefix), partition)
        except NoSuchPartition as missing:
            raise click.UsageError(str(missing)) from missing
        with closing(opened) as records:
            if from_offset is not None and (said := records.beyond(from_offset)):
                click.echo(f"tollgate: {said}.", err=True)
            try:
                for record in islice(records.read(start, follow=follow), limit):
                    click.echo(shower.line(record))
            except KeyboardInterrupt:
                return  # how following ends
