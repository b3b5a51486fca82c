"""`tollgate care`: what customer care does for a subscriber, as actions on the gate's topic."""

import getpass
import sys
import time
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from streams import settings
from streams.cli.ending import EndingGroup
from streams.cli.instant import INSTANT
from streams.cli.registry import registry_trouble
from streams.cli.span import SPAN
from streams.cli.text import Text
from streams.errors import Cause, Stop
from streams.gate.events import CareAction
from streams.gate.words import CareKind

if TYPE_CHECKING:
    from streams.care import Answer, Place

NOTHING = CareAction(
    action_id="",
    msisdn="",
    kind=CareKind.UNKNOWN,
    complaint_id=None,
    charge_id=None,
    order_id=None,
    category=None,
    text=None,
    amount_minor=None,
    province=None,
    agent="",
    reason="",
    acted_at=0,
    service_id=None,
)


class Number(click.ParamType):
    """A subscriber's number; `-` reads it from standard input, so that no history keeps it."""

    name = "msisdn"

    def convert(
        self, value: object, parameter: click.Parameter | None, context: click.Context | None
    ) -> str:
        from streams.care import is_number

        text = sys.stdin.readline().strip() if value == "-" else str(value)
        if not is_number(text):
            self.fail(
                "the number must be 7 to 15 digits with the country's code, no `+`, no leading 0",
                parameter,
                context,
            )
        return text


class ActionId(click.ParamType):
    """An id that an earlier run printed."""

    name = "action id"

    def convert(
        self, value: object, parameter: click.Parameter | None, context: click.Context | None
    ) -> str:
        from streams.care import BadAction, instant_of

        try:
            instant_of(str(value))
        except BadAction as bad:
            self.fail(str(bad), parameter, context)
        return str(value)


NUMBER = click.Argument(["msisdn"], type=Number())


def _option(*names: str, **more: Any) -> click.Option:
    """An option with a text that says something, unless another type is given."""
    return click.Option(names, **{"type": Text(), **more})


CHARGE = _option("--charge", "charge_id", help="The charge it is about (c-…).")
ORDER = _option("--order", "order_id", help="Or its order (LinkID).")
COMPLAINT = _option(
    "--complaint", "complaint_id", required=True, help="The complaint, as it was opened."
)
NEW_COMPLAINT = _option(
    "--complaint", "complaint_id", help="A name for the complaint; the gate gives one otherwise."
)
AMOUNT = _option(
    "--amount",
    "amount_minor",
    type=click.IntRange(min=1),
    help="Minor units (fen, cents) of the charge's currency; all that is left unless given.",
)
SERVICE = _option("--service", "service_id", help="Only this service; all unless given.")
CATEGORY = _option("--category", help="What kind of complaint it is.")
TEXT = _option("--text", help="What was said. Write no numbers into it.")

COMMON = (
    _option("--reason", required=True, help="Why this number is looked at."),
    _option("--agent", help="Who acts; the user of this process unless given."),
    _option(
        "--action-id",
        type=ActionId(),
        help="Repeat the action that printed this id, with the same options: it is done once.",
    ),
    _option(
        "--wait/--no-wait",
        type=bool,
        default=True,
        show_default=True,
        help="Wait for the gate's answer.",
    ),
    _option("--timeout", type=SPAN, default="30s", show_default=True, help="How long to wait."),
    _option(
        "--language",
        type=click.Choice(["zh", "en"]),
        default="en",
        show_default=True,
        help="Of the words for the subscriber.",
    ),
    _option(
        "--at",
        type=INSTANT,
        help="When; only with TOLLGATE_SIMULATED_TIME=true, and needed there.",
    ),
)


class Act(NamedTuple):
    """One subcommand; `about` are the options of which one must be given."""

    name: str
    kind: CareKind
    help: str
    options: tuple[click.Option, ...] = ()
    about: tuple[str, ...] = ()


ACTS: tuple[Act, ...] = (
    Act("look", CareKind.LOOK, "Record that a number is looked at, by whom and why (law 11)."),
    Act(
        "revoke",
        CareKind.REVOKE,
        "Take back what was confirmed, and close what waits.",
        (SERVICE,),
    ),
    Act(
        "complain",
        CareKind.COMPLAIN,
        "Open a complaint about a charge; names its evidence.",
        (CHARGE, ORDER, NEW_COMPLAINT, CATEGORY, TEXT),
        ("charge_id", "order_id"),
    ),
    Act(
        "answer",
        CareKind.ANSWER,
        "Answer a complaint: its clock stands still.",
        (COMPLAINT, TEXT),
    ),
    Act(
        "uphold",
        CareKind.UPHOLD,
        "Close a complaint for the subscriber, and refund the charge.",
        (COMPLAINT, AMOUNT, TEXT),
    ),
    Act(
        "reject",
        CareKind.REJECT,
        "Close a complaint; the charge stands.",
        (COMPLAINT, TEXT),
    ),
    Act(
        "refund",
        CareKind.REFUND,
        "Give money back without a complaint.",
        (CHARGE, ORDER, AMOUNT),
        ("charge_id", "order_id"),
    ),
    Act(
        "release",
        CareKind.RELEASE,
        "Say that the number has a new subscriber: nothing carries over.",
    ),
)


@click.group(cls=EndingGroup)
def care() -> None:
    """Look, revoke, complain, refund: customer care's actions, and the gate's answer.

    Each writes one record to the gate's care topic and waits for its decision. What is printed may
    be read to the subscriber. The number may be given as `-`: it is then read from standard input.
    """


def _command(act: Act) -> click.Command:
    """The subcommand of an act."""

    @click.pass_context
    def run(
        context: click.Context,
        /,
        action_id: str | None,
        agent: str | None,
        at: int | None,
        language: str,
        timeout: timedelta,
        wait: bool,  # noqa: FBT001  # click gives options by name
        **fields: Any,
    ) -> None:
        from streams.care import Desk, draw_id, instant_of

        if act.about and not any(fields[name] for name in act.about):
            raise click.UsageError("say which with --charge or --order", context)
        loaded = settings.load()
        drawn = action_id or draw_id(_now(loaded, at, context))
        action = NOTHING._replace(
            action_id=drawn,
            kind=act.kind,
            agent=agent or _user(context),
            acted_at=instant_of(drawn),
            **fields,
        )
        with registry_trouble(), closing(Desk(loaded)) as desk:
            # Before anything is written: whoever repeats the action needs it.
            click.echo(f"action {drawn}")
            place = desk.publish(action)
            if wait:
                _tell(desk.wait_for(place, timeout.total_seconds()), place, language)
            else:
                click.echo(f"written as offset {place.offset} of partition {place.partition}")

    return click.Command(
        act.name, params=[NUMBER, *act.options, *COMMON], callback=run, help=act.help
    )


def _tell(answer: "Answer | None", place: "Place", language: str) -> None:
    """Print what the gate did; ends with a cause where it did not, or not yet."""
    if answer is None:
        detail = f"the action is at offset {place.offset} of partition {place.partition}"
        raise Stop(Cause.CARE_UNANSWERED, detail)
    if not answer.is_done:
        raise Stop(Cause.CARE_NOT_DONE, answer.sentence(language))
    for line in answer.lines(language):
        click.echo(line)


def _now(loaded: settings.Settings, at: int | None, context: click.Context) -> int:
    """When the action is: now, or under simulated time when one says."""
    if loaded.simulated_time == (at is None):
        raise click.UsageError(
            "--at belongs to TOLLGATE_SIMULATED_TIME=true, and is needed there", context
        )
    return time.time_ns() // 1_000_000 if at is None else at


def _user(context: click.Context) -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise click.UsageError("this process has no named user: say --agent", context) from error


for _act in ACTS:
    care.add_command(_command(_act))
