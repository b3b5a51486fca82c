"""The notice's before and after: weeks of a rollout in about a minute, told in tables, audited.

The policies are those of the shipped example, with their own dates and limits. Of each phase one
day is lived, by the same people who want the same things; the time between is left out. Laws: what
is told is counted from the topics; the exit code is 0 only when every order was answered and the
auditor found every law kept.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from rich.console import Console

from streams import provision, topics
from streams.audit import History, audit, read_history, released
from streams.broker import EmbeddedBroker
from streams.codec.classes import types_of
from streams.codec.codecs import Codecs
from streams.codec.faults import Undecodable
from streams.demo import stage
from streams.demo.changes import Records, count
from streams.demo.past import Past
from streams.demo.phases import Phase, batches_of, day_text, phases_of
from streams.demo.steps import Steps
from streams.demo.tables import Rollout, Seller, print_rollout
from streams.demo.worker import Worker
from streams.egress import records
from streams.errors import Cause, Stop
from streams.gate import effects, events, words
from streams.gate.credit import Credit
from streams.gate.reference import CreditChange, Gateway, Policy, Provider, Service
from streams.reference import applying
from streams.reference import file as reference_file
from streams.reference.file import ReferenceFile
from streams.setting_rows import PREFIX
from streams.settings import Settings, load
from streams.world.options import Options

# The last day's complaints come of age: their deadline is three days.
_AFTERWARDS_MS = 4 * 24 * 3600 * 1000
# Before the first day, so that its people find the gate at work.
_MORNING_MS = 3600 * 1000

Kind = TypeVar("Kind")


class Plan(NamedTuple):
    """How much is lived."""

    orders_a_day: int
    subscribers: int
    seed: int


def run(
    *,
    orders_a_day: int = 3000,
    subscribers: int = 600,
    seed: int = 1,
    data_dir: Path | None = None,
) -> int:
    """Live through the rollout; the exit code. Raises Stop when it cannot go on."""
    plan = Plan(orders_a_day, subscribers, seed)
    return stage.perform(data_dir, lambda console, folder: _conduct(console, folder, plan))


def _conduct(console: Console, folder: Path, plan: Plan) -> int:
    file = reference_file.load(stage.EXAMPLE)
    policies = list(_of(file, Policy))
    phases = phases_of(policies)
    steps = Steps(console, 6 + len(phases))
    steps.say(f"Everything this makes lies in {folder}")
    broker = EmbeddedBroker(folder / "kafka", tell=steps.say)
    try:
        with steps.step("Starting Kafka (embedded, one node, loopback only)"):
            broker.start()
        environment = stage.environment(broker.bootstrap_servers, folder)
        environment[f"{PREFIX}SIMULATED_TIME"] = "true"
        settings, log = load(environment), folder / "worker.log"
        with steps.step("Making the topics, and writing the reference data"):
            provision.apply(settings)
            at = min(policy.effective_from for policy in policies)
            applying.apply_file(settings, file, by="demo", reason="the rollout's example", at=at)
        trouble = _live(steps, settings, environment, log, phases, plan)
        with steps.step("Reading the topics"):
            history = read_history(settings, [log])
            told = Rollout(
                phases,
                batches_of(policies[-1], sorted({each.province for each in _of(file, Gateway)})),
                tuple(_sellers(file, phases[-1].opens)),
                count(phases, _records(history)),
                policies[-1].time_zone,
                next(_of(file, Service)).currency,
            )
        with steps.step("Auditing everything on the topics"):
            report = audit(history, released(), drained=trouble is None)
    finally:
        broker.stop()
    print_rollout(console, told)
    report.print(console)
    if report.held and trouble is not None:
        raise Stop(Cause.NOT_DRAINED, trouble)
    return report.exit_code


def _live(
    steps: Steps,
    settings: Settings,
    environment: dict[str, str],
    log: Path,
    phases: Sequence[Phase],
    plan: Plan,
) -> str | None:
    """A day of each phase; what is wrong with the end, in one sentence, if anything is."""
    options = Options(subscribers=plan.subscribers, seed=plan.seed)
    with ExitStack() as stack:
        worker = stack.enter_context(Worker(environment, log, stage.free_port()))
        with steps.step(f"Starting a worker (its log: {log})"):
            worker.wait_until_ready(settings.partitions)
        past = stack.enter_context(Past(settings, options, phases[0].opens - _MORNING_MS))
        for phase in phases:
            with steps.step(f"{day_text(phase.opens, 'Asia/Shanghai')}: {phase.name}"):
                past.live(phase.opens, phase.closes, plan.orders_a_day)
                worker.check()
        with steps.step("Stopping the worker, after the last complaints' deadline"):
            past.finish(phases[-1].closes + _AFTERWARDS_MS)
            worker.stop()
        return past.trouble


def _of(file: ReferenceFile, kind: type[Kind]) -> Iterator[Kind]:
    return (draft.record for draft in file.drafts if isinstance(draft.record, kind))


def _sellers(file: ReferenceFile, at: int) -> Iterator[Seller]:
    """Every provider, with its points at an instant: the mean of its provinces, by line."""
    credit = Credit()
    for change in _of(file, CreditChange):
        credit.take(change)
    services = list(_of(file, Service))
    for provider in _of(file, Provider):
        lines = sorted({each.line for each in services if each.provider_id == provider.provider_id})
        points = " ".join(
            f"{line} {credit.points(provider.provider_id, line, '', at)}" for line in lines
        )
        yield Seller(provider.provider_id, provider.name.en, provider.scope, points)


def _records(history: History) -> Records:
    codecs = Codecs.from_repository(types_of(words, records, effects, events))

    def all_of(topic: str) -> Iterator[Any]:
        decode = codecs.decoder(topic)
        for entry in history.of(topic):
            try:
                yield decode(entry.value)
            except Undecodable:
                assert topic == topics.ORDERS, "the gate's own records can be read"

    return Records(
        all_of(topics.ORDERS),
        all_of(topics.DECISIONS),
        all_of(topics.VERDICTS),
        all_of(topics.CHARGES),
        all_of(topics.REFUNDS),
    )
