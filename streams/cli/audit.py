"""`tollgate audit`: what was recorded, proved from the topics alone."""

import os
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams import settings
from streams.cli.ending import EndingGroup
from streams.cli.instant import INSTANT
from streams.errors import Cause, Stop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.audit.verify import Anchors, Head, Verified
    from streams.history import Source

_FILE = click.Path(dir_okay=False, path_type=Path)
_JOBS = click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=min(os.cpu_count() or 1, 64),
    show_default="one a core",
    help="So many partitions at a time.",
)
# Shown of all partitions together: the first is where to look.
_SHOWN_MAX = 20


@click.group(cls=EndingGroup)
def audit() -> None:
    """Prove what was recorded: that it holds together, and that nobody has rewritten it.

    Works beside a running gate, which it does not touch. Only what was committed is read, up to
    where the topics ended at the start.
    """


@audit.command()
@click.option("--anchors", type=_FILE, help="Signed heads to hold the topics against.")
@click.option("--public-key", type=_FILE, help="Of the key they are signed with (PEM, Ed25519).")
@click.option(
    "--from",
    "since",
    type=INSTANT,
    help="Begin each partition behind its last signed head not after this instant.",
)
@_JOBS
def verify(anchors: Path | None, public_key: Path | None, since: int | None, jobs: int) -> None:
    """Check every sequence, seal and digest; name the first that does not hold.

    Each partition's decisions are numbered without holes, each is sealed onto the one before, each
    holds digests of the record it was made on and of every record it sent: all are computed again.
    What no decision sent, and what none was made on, is found too. Memory is bounded, whatever
    the size: a job took 165 MiB.

    Ends with 0 only if everything was there and holds; else with 42 (something does not hold) or 41
    (something is gone; what could be checked holds).
    """
    from streams.audit.verify import read_anchors
    from streams.audit.verify.heads import Anchors, load_public_key
    from streams.history import TopicSource

    loaded = settings.load()
    if (anchors is None) != (public_key is None):
        raise click.UsageError("--anchors and --public-key belong together")
    if since is not None and anchors is None:
        raise click.UsageError("--from needs signed heads: name them with --anchors")
    known = Anchors()
    if anchors is not None and public_key is not None:
        known = read_anchors(anchors, load_public_key(public_key), loaded.topic_prefix)
    source = TopicSource.open(loaded)
    begins = {} if since is None else known.newest(since)
    results = _verify(source, jobs, known, begins)
    for number, head in sorted(begins.items()):
        click.echo(
            f"Partition {number} was checked from behind decision {head.sequence} on, signed at "
            f"{head.at_text}; what lies before it was not."
        )
    _tell(results)


@audit.command()
@click.option("--anchors", type=_FILE, required=True, help="The file; made if it is not there.")
@click.option("--private-key", type=_FILE, required=True, help="To sign with (PEM, Ed25519).")
@_JOBS
def anchor(anchors: Path, private_key: Path, jobs: int) -> None:
    """Sign where each partition's chain is now, after checking it from the last signed head on.

    Only what holds is signed. Run it daily, and keep the file where whoever can write the topics
    cannot: then nobody rewrites a day unnoticed, the operator included.

    \b
    A pair of keys:
      openssl genpkey -algorithm ed25519 -out tollgate-anchor.pem
      openssl pkey -in tollgate-anchor.pem -pubout -out tollgate-anchor.pub.pem
    """
    from streams.audit.verify import Anchors, read_anchors
    from streams.audit.verify.heads import append_heads, load_private_key
    from streams.history import TopicSource

    loaded = settings.load()
    key = load_private_key(private_key)
    known = Anchors()
    if anchors.exists():
        known = read_anchors(anchors, key.public_key(), loaded.topic_prefix)
    begins = known.newest()
    results = _verify(TopicSource.open(loaded), jobs, known, begins)
    _tell(results)
    heads = [
        result.head
        for result in results
        if result.head is not None and result.head != begins.get(result.partition)
    ]
    append_heads(anchors, key, known, heads)
    for head in heads:
        click.echo(f"Signed: partition {head.partition}, decision {head.sequence}, {head.at_text}.")
    if not heads:
        click.echo("Nothing to sign: no decision since the last head.")


def _verify(
    source: "Source", jobs: int, known: "Anchors", begins: "Mapping[int, Head]"
) -> "list[Verified]":
    from streams.audit.verify.run import rate, verify

    started = time.monotonic()
    return verify(
        source,
        jobs,
        heads=known.heads,
        begins=begins,
        progress=lambda done, total: click.echo(rate(started, done, total), err=True),
    )


def _tell(results: "list[Verified]") -> None:
    """Say what was checked and what was found; end with the cause where it is not clean."""
    counts: Counter[str] = Counter()
    for result in results:
        counts += result.counts
    told = ", ".join(f"{count:,} {what}" for what, count in counts.items()) or "nothing"
    click.echo(f"Checked and held: {told}, in {len(results)} partitions.")
    gone = [sentence for result in results for sentence in result.gone]
    for sentence in gone:
        click.echo(f"Could not be checked: {sentence}.")
    broken = [result for result in results if result.found]
    if broken:
        lines = [f"\n  {result.flaws[0]}" for result in broken]
        more = [f"  {flaw}" for result in broken for flaw in result.flaws[1:]]
        for line in more[:_SHOWN_MAX]:
            click.echo(line)
        count = sum(result.found for result in broken)
        click.echo(f"Found in all: {count:,}.")
        raise Stop(Cause.HISTORY_BROKEN, "first in each partition:" + "".join(lines))
    if gone:
        raise Stop(Cause.HISTORY_INCOMPLETE, f"{gone[0]}.")
    if not counts:
        click.echo("There is no decision yet.")
