"""`tollgate quarantine`: an operator's acts on records, kept for ever."""

import getpass
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from streams import settings, topics
from streams.cli.ending import EndingGroup
from streams.cli.registry import registry_trouble
from streams.cli.span import SPAN
from streams.cli.text import Text
from streams.gate.words import ActKind

if TYPE_CHECKING:
    from streams.acts import Place
    from streams.egress.records import Decision

_WORDS_MAX = 500  # signs: a ticket and a sentence; it travels in headers of dead letters

_TO_COME = "Workers read it within a moment; start those again that have stopped."
# Most ticks cause none; decisions go when their topic's retention says so.
_UNTOLD = "A worker has taken it, and no decision on it is on the log: whatever it did stands."
_PARAMETERS = (
    click.argument("topic"),
    click.option("--partition", type=click.IntRange(min=0), required=True, help="Its partition."),
    click.option(
        "--reason",
        type=Text(_WORDS_MAX),
        required=True,
        help="Why: it is kept for ever. Write no numbers of subscribers into it.",
    ),
    click.option(
        "--by", type=Text(_WORDS_MAX), help="Who acts; the user of this process unless given."
    ),
    click.option("--yes", is_flag=True, help="Do not ask before writing."),
)


def _common(command: Callable[..., None]) -> Callable[..., None]:
    for parameter in reversed(_PARAMETERS):
        command = parameter(command)
    return command


@click.group(cls=EndingGroup)
def quarantine() -> None:
    """Set records aside that hold a partition: one that stops every worker, or a bad batch.

    A worker that stops names the record and the command to type. An act is written to the acts'
    topic, with who and why, and is never taken back. A worker that starts reads it before it takes
    anything; one that runs reads it within a moment, and may have decided the record just before.
    Start a worker that has stopped again afterwards. `tollgate tail acts` shows all acts.
    """


@quarantine.command()
@_common
@click.option("--offset", type=click.IntRange(min=0), required=True, help="The record's offset.")
@click.option(
    "--timeout",
    type=SPAN,
    default="3s",
    show_default=True,
    help="How long to wait for what becomes of the record.",
)
def record(
    topic: str,
    partition: int,
    offset: int,
    reason: str,
    by: str | None,
    yes: bool,  # noqa: FBT001  # click gives options by name
    timeout: timedelta,
) -> None:
    """Set exactly one record aside, undecided: of an input, or of reference data that no worker can
    take.

    It becomes a dead letter with cause `quarantined` that names this act; nobody is charged for it,
    and its sender may publish it again under the same id. Where workers run, the command waits for
    that; if one of them was faster than the act, it says what was decided.
    """
    from streams.acts import Place
    from streams.tail import Shower, codecs_of

    loaded = settings.load()
    found = _topic(topic, topics.Kind.INPUT, topics.Kind.REFERENCE)
    with registry_trouble():
        codecs = codecs_of(loaded)
    with registry_trouble(), closing(Place(loaded, codecs, found.name, partition)) as place:
        # Before it is judged: what is undecided then cannot have its decision before this.
        begin = place.decisions_end()
        stands = _is_on_record(loaded, ActKind.QUARANTINE, place, offset)
        message = place.record(offset)
        if stands:
            begin = place.decisions_since(message.timestamp()[1] if message else 0)
        else:
            assert message is not None, "an act on none is refused"
            click.echo(Shower(codecs, found, loaded.topic_prefix).line(message))
            _act(loaded, ActKind.QUARANTINE, place, offset, by, reason, yes=yes)
        _tell_what_came(place, offset, place.decision(offset, begin, timeout.total_seconds()))


@quarantine.command()
@_common
@click.option(
    "--up-to", type=click.IntRange(min=0), required=True, help="Offset of the last of the batch."
)
@click.option(
    "--readable-too",
    is_flag=True,
    help="Also where all can be read: conflicts count against the limit too, and only a worker can "
    "tell them.",
)
def unreadable(
    topic: str,
    partition: int,
    up_to: int,
    reason: str,
    by: str | None,
    yes: bool,  # noqa: FBT001  # click gives options by name
    readable_too: bool,  # noqa: FBT001
) -> None:
    """Let the unreadable records of an input's partition pass, up to an offset and no further.

    They become dead letters as ever, but do not count against the limit that stops a worker. What
    can be read is decided as ever.
    """
    from streams.acts import Place
    from streams.errors import Cause, Stop
    from streams.tail import codecs_of

    loaded, found = settings.load(), _topic(topic, topics.Kind.INPUT)
    with registry_trouble():
        codecs = codecs_of(loaded)
    with registry_trouble(), closing(Place(loaded, codecs, found.name, partition)) as place:
        if not _is_on_record(loaded, ActKind.RAISE_LIMIT, place, up_to):
            unread = place.unread(up_to)
            causes = ", ".join(f"{count} {cause}" for cause, count in sorted(unread.causes.items()))
            last = f"; the last of them is offset {unread.last}" if unread.causes else ""
            click.echo(
                f"{unread.causes.total()} of {unread.records} records not decided yet cannot be "
                f"read ({causes or 'none'}){last}."
            )
            if unread.is_whole and not unread.causes and not readable_too:
                raise Stop(
                    Cause.ACT_REFUSED,
                    f"everything of {place} up to offset {up_to} can be read",
                    "Nothing was written. If the worker that stopped names a cause that only a "
                    "worker can tell, such as conflict, say --readable-too.",
                )
            _act(loaded, ActKind.RAISE_LIMIT, place, up_to, by, reason, yes=yes)
            click.echo(_TO_COME)


def _topic(named: str, *kinds: topics.Kind) -> topics.Topic:
    from streams.tail import find, like

    found = find(named, settings.load().topic_prefix)
    if found is None:
        raise click.UsageError(f"there is no topic {named!r}; is it {', '.join(like(named))}?")
    if found.kind not in kinds:
        named = ", ".join(topic.name for topic in topics.CATALOGUE if topic.kind in kinds)
        kind = " nor reference data" if len(kinds) > 1 else ""
        raise click.UsageError(f"{found.name} is no input{kind}; this is for records of {named}")
    return found


def _is_on_record(loaded: settings.Settings, kind: ActKind, place: "Place", offset: int) -> bool:
    """Whether an act does this already, told; else whether it may be is judged."""
    from streams.acts import Recorder

    recorder = Recorder(loaded)
    standing = recorder.standing(kind, place.topic, place.partition, offset)
    if standing is None:
        recorder.judge(place, kind, offset)
        return False
    click.echo(f"Nothing to do: {_told(standing)} is on record already.")
    return True


def _act(
    loaded: settings.Settings,
    kind: ActKind,
    place: "Place",
    offset: int,
    by: str | None,
    reason: str,
    *,
    yes: bool,
) -> None:
    """Ask, and write it down."""
    from streams.acts import Recorder
    from streams.errors import Cause, Stop

    who = by or _user()
    question = {
        ActKind.QUARANTINE: f"Set record {offset} of {place} aside, for ever?",
        ActKind.RAISE_LIMIT: f"Let what cannot be read of {place} pass up to offset {offset}?",
    }[kind]
    if not (yes or _confirmed(question)):
        raise Stop(
            Cause.ACT_REFUSED,
            "nobody said yes",
            "Nothing was written; --yes writes without asking.",
        )
    recorded = Recorder(loaded).record(kind, place.topic, place.partition, offset, who, reason)
    click.echo(f"On record: {_told(recorded.act)}.")


def _tell_what_came(place: "Place", offset: int, decision: "Decision | None") -> None:
    """Whether the act was in force when the record was decided; Stop if it came too late."""
    from streams.errors import Cause, Stop

    if decision is None:
        is_decided = not place.is_reference and place.decided() > offset
        click.echo(_UNTOLD if is_decided else _TO_COME)
    elif any(one.topic == topics.ACTS for one in decision.evidence):
        click.echo("Set aside: it is a dead letter, and nothing was done.")
    else:
        raise Stop(
            Cause.ACT_TOO_LATE,
            f"a worker had decided offset {offset} of {place} ({decision.reason}) before it read "
            "the act",
        )


def _confirmed(question: str) -> bool:
    """The answer; where nobody can give one, a no."""
    try:
        return click.confirm(question)
    except click.Abort:
        click.echo()
        return False


def _told(act: Any) -> str:
    return f"act {act.act_id} by {act.changed_by} ({act.reason})"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise click.UsageError("this process has no named user: say --by") from error
