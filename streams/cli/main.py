"""`tollgate`: the commands, in the order in which one needs them."""

import click

import streams
from streams.cli.audit import audit
from streams.cli.broker import broker
from streams.cli.care import care
from streams.cli.config import config
from streams.cli.demo import demo
from streams.cli.ending import EndingGroup, exit_codes, restart_codes
from streams.cli.quarantine import quarantine
from streams.cli.reference import reference
from streams.cli.schemas import schemas
from streams.cli.simulate import simulate
from streams.cli.tail import tail
from streams.cli.topics import topics
from streams.cli.worker import faust, worker

SECTIONS: tuple[tuple[str, tuple[click.Command, ...]], ...] = (
    ("Before anything runs", (config, schemas, topics, reference)),
    ("Run the gate", (worker, faust)),
    ("Look and act", (tail, care, quarantine)),
    ("Prove what was recorded", (audit,)),
    ("Try it on your own machine", (demo, broker, simulate)),
)

ABOUT = """Tollgate stands between an operator's message centres and its billing: a subscriber's
order is charged only after the subscriber has confirmed it, and never twice. It reads orders and
replies from Kafka and writes prompts, verdicts and approved charges, all or nothing.
"""

EXAMPLES = """Set up a gate on your Kafka, and run a worker:

\b
  export TOLLGATE_BOOTSTRAP_SERVERS=kafka-1:9092,kafka-2:9092
  tollgate topics plan                    # what would be made
  tollgate topics apply
  tollgate reference plan reference.yaml  # providers, services, policies
  tollgate reference apply reference.yaml
  tollgate worker

Settings come from the environment (TOLLGATE_…) or from the file that TOLLGATE_CONFIG_FILE names;
`tollgate config` shows them all. `tollgate COMMAND --help` says more.
"""


class Program(EndingGroup):
    """Shows its commands by section, in the order of use."""

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        for title, commands in SECTIONS:
            with formatter.section(title):
                formatter.write_dl(
                    [(str(command.name), command.get_short_help_str(80)) for command in commands]
                )


@click.group(
    cls=Program,
    help=ABOUT,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(streams.__version__, prog_name="tollgate")
@click.option(
    "--exit-codes",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, _, wanted: _show_exit_codes(context) if wanted else None,
    help="Show what each exit code means, what a supervisor does and what a person, and exit.",
)
@click.option(
    "--restart-codes",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, _, wanted: _show_restart_codes(context) if wanted else None,
    help="For supervisors: each code after which a worker is started again, and after how many "
    "seconds; and exit.",
)
def tollgate() -> None:
    """Hold the commands together."""


for _, _commands in SECTIONS:
    for _command in _commands:
        tollgate.add_command(_command)


def main() -> None:
    """Run the program; ends the process with its exit code."""
    tollgate(prog_name="tollgate")


def _show_exit_codes(context: click.Context) -> None:
    click.echo(exit_codes())
    context.exit()


def _show_restart_codes(context: click.Context) -> None:
    click.echo(restart_codes())
    context.exit()
