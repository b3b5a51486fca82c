"""What goes wrong in a run: every kind of fault, and which ends of a worker it explains.

The table `FAULTS` is written by hand. A worker that ends for a cause that no fault of its run
explains is a violation; what the operator does after an end stands in `endings.py`. A fault that
destroys what cannot be mended (`is_last`) ends the run once a worker has said so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from streams import topics
from streams.engine import Cause
from streams.gate.words import ActKind
from tests.sim.model.network import Fate
from tests.sim.model.transactions import MARKER_PACE
from tests.sim.plan import DAY, GROUP, MINUTE, PREFIX, SECOND, SESSION_S

if TYPE_CHECKING:
    from tests.sim.run import Run, Site

_AWAY = frozenset(
    (
        Cause.UNCERTAIN_COMMIT,
        Cause.FENCED,
        Cause.STUCK,
        Cause.BROKER_AWAY,
        Cause.OFFSETS_UNSTABLE,
    )
)
_NOTHING: frozenset[Cause] = frozenset()


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind; `happen` says whether it could be made to happen now."""

    happen: Callable[["Run"], bool]
    explains: frozenset[Cause] = _NOTHING
    is_last: bool = False
    """Nothing can go on as before: it comes late in a run, and a worker must say so."""


# -- workers -----------------------------------------------------------------------------------


def kill(run: "Run") -> bool:
    """SIGKILL, wherever the worker is."""
    site = run.running()
    if site is None or site.worker is None:
        return False
    site.worker.process.kill()
    run.restart(site, run.draw.choice((0.0, 0.05, 1.0, 4.0)))
    return True


def kill_all(run: "Run") -> bool:
    """The power is out: every machine at once."""
    for site in run.sites:
        if site.worker is not None:
            site.worker.process.kill()
            run.restart(site, run.draw.choice((0.0, 0.5)))
    return True


def rest(run: "Run") -> None:
    """No worker runs, nothing is on its way, no transaction is open."""
    for site in run.sites:
        if site.worker is not None:
            site.worker.process.kill()
            site.worker = None
        site.start_at = None
    run.world.run_for(10.0)
    for site in run.sites:
        run.restart(site, 0.0)


def kill_at_a_pause(run: "Run") -> bool:
    """SIGKILL at one of the next pauses, inside whatever is being done."""
    run.aim(run.draw.choice((3, 20, 100, 400)), "")
    return True


def kill_at(what: str, run: "Run") -> bool:
    """SIGKILL when a worker comes to that pause for the first, second or third time from now."""
    provoke = _PROVOKED.get(what)
    run.aim(run.draw.choice((1, 1, 2, 3)) if provoke is None else 1, what)
    if provoke is not None:
        provoke(run)
    return True


def freeze(run: "Run") -> bool:
    """SIGSTOP: the worker wakes up when another one may have taken over."""
    site = run.running()
    if site is None or site.worker is None or site.worker.process.frozen:
        return False
    process = site.worker.process
    process.freeze()
    run.world.later(run.draw.choice((0.3, SESSION_S, 2 * SESSION_S, 4 * SESSION_S)), process.thaw)
    return True


def hang(run: "Run") -> bool:
    """The next sending of positions never comes back (librdkafka #5456)."""
    run.hang_at = "send_offsets_to_transaction"
    return True


def stop(run: "Run") -> bool:
    """SIGTERM; it comes back later."""
    site = run.running()
    if site is None or site.worker is None:
        return False
    site.worker.stop()
    run.restart(site, run.draw.choice((0.5, 3.0)))
    return True


def join(run: "Run") -> bool:
    """One more machine."""
    if len(run.sites) > 4:
        return False
    run.add_site()
    return True


def kill_between_halves(run: "Run") -> bool:
    """SIGKILL once a static member has let go of what moves; it comes back while it is a member."""
    if not run.plan.is_static or not join(run):
        return False
    run.tend()
    run.aim(1, "incremental_unassign")
    for _ in range(40):
        run.world.run_for(0.05)
        for site in run.sites:
            if site.worker is not None and site.worker.process.dead and site.start_at is None:
                run.restart(site, 0.0)
                return True
    return True


def same_name(run: "Run") -> bool:
    """Another worker is started under the instance name of one that runs."""
    site = run.running()
    if site is None or not run.plan.is_static:
        return False
    twin = run.add_site(instance=site.instance)
    run.world.later(run.draw.choice((1.0, 3.0)), lambda: run.retire(twin))
    return True


def same_folder(run: "Run") -> bool:
    """Another worker is started on the folder of one that runs."""
    site = run.running()
    if site is None:
        return False
    twin = run.add_site(folder=site.folder)
    run.world.later(0.5, lambda: run.retire(twin))
    return True


# -- network and broker ------------------------------------------------------------------------


def cut(run: "Run") -> bool:
    """A worker is parted from the broker."""
    site = run.running()
    if site is None or site.worker is None:
        return False
    process = site.worker.process
    run.network.cut(process)
    wait = run.draw.choice((0.2, SESSION_S, 2 * SESSION_S, 3 * SESSION_S))
    run.world.later(wait, lambda: run.network.heal(process))
    return True


def broker_away(run: "Run") -> bool:
    """The broker answers nobody for a while."""
    run.network.broker_is_away(away=True)
    wait = run.draw.choice((0.3, 1.5, 6.0, 25.0))
    run.world.later(wait, lambda: run.network.broker_is_away(away=False))
    if wait > 10:  # a worker that starts asks for so long
        kill_all(run)
        run.world.run_for(5.0)
        run.tend()
        run.world.run_for(15.0)
    return True


def bad_network(run: "Run") -> bool:
    """Requests and answers are late, lost, repeated, for some seconds."""
    fates = list(Fate)
    share = run.draw.choice((0.02, 0.1))
    run.network.faults["*"] = [(fate, share) for fate in fates]
    run.world.later(run.draw.choice((1.0, 5.0)), run.network.faults.clear)
    return True


def fate_of(api: str, fate: Fate, run: "Run") -> bool:
    """That happens to the next request of that kind."""
    run.network.next_fates.setdefault(api, []).append(fate)
    return True


def late_markers(run: "Run") -> bool:
    """The coordinator is slow: markers are written long after EndTxn was answered."""
    transactions = run.broker.transactions
    if run.draw.random() < 0.5:
        run.aim(1, "commit answered")
        _work(run)
    transactions.marker_pace = run.draw.choice((300.0, 3_000.0, 10_000.0))
    transactions.group_marker_pace = run.draw.choice((MARKER_PACE, MARKER_PACE, None))

    def end() -> None:
        transactions.marker_pace, transactions.group_marker_pace = MARKER_PACE, None

    run.world.later(6.0, end)
    return True


def markers_stay_away(run: "Run") -> bool:
    """The group's marker of a commit comes so late that who opens its partitions gives up."""
    transactions = run.broker.transactions
    transactions.group_marker_pace = 100_000.0
    run.aim(1, "commit answered")

    def end() -> None:
        transactions.group_marker_pace = None

    run.world.later(1.0, end)
    _work(run)
    return True


def refused_turn(run: "Run") -> bool:
    """Positions reach the group when a generation has come and gone since they were gathered."""
    _work(run)
    run.world.run_for(0.5)
    run.world.passed_ms += 20 * MINUTE  # prompts are due then
    if run.plan.simulated_time:
        for number in range(run.plan.partitions):
            run.tick(number, run.now())
    network, usual = run.network, run.network.slow_s
    network.slow_s = 1.5
    network.next_fates["AddOffsetsToTxn"] = [Fate.DELAYED] * 12
    network.next_fates["Produce"] = [Fate.DELAYED] * run.draw.choice((0, 2, 6))

    def end() -> None:
        network.slow_s = usual
        network.next_fates.pop("AddOffsetsToTxn", None)
        network.next_fates.pop("Produce", None)

    def rebalance() -> None:
        if not join(run):
            stop(run)

    for wait in (0.1, 1.4, 2.7):
        run.world.later(wait, rebalance)
    run.world.later(5.0, end)
    _keep_working(run)
    return True


def unanswered_commit(run: "Run") -> bool:
    """A commit is applied, or not, and its worker does not hear of it."""
    fates = run.network.next_fates
    first = run.draw.choice((Fate.UNANSWERED, Fate.LOST))
    fates["EndTxn"] = [first, *[Fate.LOST] * 60]

    def end() -> None:
        fates.pop("EndTxn", None)

    run.world.later(6.0, end)
    _work(run)
    return True


def joins_in_a_row(run: "Run") -> bool:
    """Machines come while partitions are still on their way to the ones that came before."""
    run.network.fetch_lag_s = 2.0

    def end() -> None:
        run.network.fetch_lag_s = 0.0

    run.world.later(8.0, end)

    def come() -> None:
        if not join(run):
            stop(run)

    for wait in (1.0, 2.0):
        run.world.later(wait, come)
    return join(run) or stop(run)


def late_commit(run: "Run") -> bool:
    """An EndTxn is sent again, and its first copy arrives in a later transaction (KIP-890)."""
    network = run.network
    usual = network.slow_s, network.late_s
    network.slow_s, network.late_s = 1.0, 1.0
    network.next_fates["EndTxn"] = [Fate.LATE, Fate.LATE, None, Fate.LATE]
    network.next_fates["AddOffsetsToTxn"] = [None, *[Fate.DELAYED] * 8]

    def end() -> None:
        network.slow_s, network.late_s = usual
        network.next_fates.clear()

    run.world.later(8.0, end)
    _keep_working(run)
    return True


def slow_fetches(run: "Run") -> bool:
    """Consumers hear late of what was written."""
    run.network.fetch_lag_s = run.draw.choice((0.3, 2.0, 6.0))

    def end() -> None:
        run.network.fetch_lag_s = 0.0

    run.world.later(4.0, end)
    for _ in range(5):
        _work(run)
    _keep_working(run)
    return True


def slow_references(run: "Run") -> bool:
    """Reference data moves, each worker hears of it in its own time, and they come and go."""
    run.network.reference_lag_s = 3.0

    def end() -> None:
        run.network.reference_lag_s = 0.0

    def change() -> None:
        if not run.is_ending:
            run.refer(run.market.change())

    def leave() -> None:
        stop(run)

    for place in range(10):
        run.world.later(0.3 * place, change)
    for wait in (1.2, 2.4, 3.6):
        run.world.later(wait, leave)
    run.world.later(6.0, end)
    _keep_working(run)
    return True


def _keep_working(run: "Run") -> None:
    """Something to do for some seconds to come, with prompts that become due meanwhile."""

    def more() -> None:
        if run.is_ending:
            return
        run.crowd.move()
        run.world.passed_ms += 2 * MINUTE
        if run.plan.simulated_time:
            for number in range(run.plan.partitions):
                run.tick(number, run.now())

    for place in range(25):
        run.world.later(0.15 * place, more)


def _work(run: "Run") -> None:
    """Something for the workers to do."""
    for _ in range(8):
        run.crowd.move()


def refuse_while_rebalancing(run: "Run") -> bool:
    """The group refuses positions while assignments are awaited; a member joins meanwhile."""
    run.broker.group(GROUP).refuse_while_completing = True
    return join(run) or stop(run)


# -- the log -----------------------------------------------------------------------------------


def forget_offsets(run: "Run") -> bool:
    """The broker forgets the group's offsets of topics that nobody subscribes to."""
    offsets = run.broker.group(GROUP).offsets
    for at in [at for at in offsets if at[0] != PREFIX + topics.ORDERS]:
        del offsets[at]
        if run.reset_offset == at:
            run.reset_offset = None
    return kill(run)


def reset_offsets(run: "Run") -> bool:
    """Somebody sets an offset of the group back, while no worker runs."""
    rest(run)
    offsets = run.broker.group(GROUP).offsets
    found = [at for at, offset in offsets.items() if offset > 0]
    if not found or run.reset_offset is not None:  # one at a time: each must be noticed
        return False
    at = run.draw.choice(found)
    run.reset_offset = at
    run.broker.group(GROUP).commit(at, run.draw.choice((0, offsets[at] - 1)))
    return True


def compact(run: "Run") -> bool:
    """The changelog is compacted; a second time when tombstones may go."""
    run.compact()
    if run.draw.random() < 0.5:
        run.world.passed_ms += run.plan.tombstones_ms + MINUTE
        run.compact()
    return True


def retention(run: "Run") -> bool:
    """Retention removes what was decided, and nothing else."""
    for (topic, number), offset in run.broker.group(GROUP).offsets.items():
        log = run.broker.partition(topic, number)
        if log is not None:
            log.delete_to(offset)
    return True


def truncate(run: "Run") -> bool:
    """Records that were never decided are removed."""
    number = run.draw.randrange(run.plan.partitions)
    topic = run.draw.choice(topics.INPUTS[:5])
    if run.draw.random() < 0.5:
        rest(run)
    run.journal.catch_up()
    if run.books.positions[number] is None:
        return False
    run.fill(topic, number)
    log = run.log(topic, number)
    log.delete_to(log.high)
    return True


def make_again(run: "Run") -> bool:
    """An input topic is deleted and made again under its name."""
    topic = run.draw.choice(topics.INPUTS[:5])
    if not run.books.has_decided(topic):
        return False
    is_refilled = run.draw.random() < 0.5
    if is_refilled:
        rest(run)
    run.remake(topic, is_refilled=is_refilled)
    return True


def make_reference_again(run: "Run") -> bool:
    """A reference topic is deleted and made again, shorter or longer than it was."""
    if not any(run.books.positions) or run.deleted is not None:
        return False
    is_refilled = run.draw.random() < 0.5
    if is_refilled:
        rest(run)
    run.remake(run.draw.choice(topics.REFERENCES), is_refilled=is_refilled)
    return True


def lose_changelog(run: "Run") -> bool:
    """The changelog's tail is gone, acknowledged or not, as after an unclean election."""
    rest(run)
    run.journal.catch_up()
    found = [number for number, each in enumerate(run.books.positions) if each is not None]
    if not found:
        return False
    number = run.draw.choice(found)
    last = run.books.positions[number]
    assert last is not None
    run.log(topics.CHANGELOG, number).lose_from(run.draw.randrange(last.offset + 1))
    return True


def unequal(run: "Run") -> bool:
    """A topic is made again with another number of partitions."""
    rest(run)
    run.remake(topics.ALARMS, count=run.plan.partitions + 1)
    return True


# -- disks -------------------------------------------------------------------------------------


def _stopped(run: "Run") -> "Site | None":
    """A machine whose worker was killed for this, and that has databases."""
    site = run.running()
    if site is None or site.worker is None or not site.folder.databases:
        return None
    site.worker.process.kill()
    run.restart(site, run.draw.choice((0.0, 0.5, 4.0)))
    return site


def lose_writes(run: "Run") -> bool:
    """The last writes of a store are gone, as after a power cut or with a torn write-ahead log."""
    site = _stopped(run)
    if site is None:
        return False
    for name in site.folder.databases:
        site.folder.lose(name, run.draw.choice((1, 3, 1_000)))
    return True


def flip(run: "Run") -> bool:
    """Bits in blocks of a store, while it is open or not: one, or some."""
    site = run.running()
    if site is None or not site.folder.databases:
        return False
    name = run.draw.choice(list(site.folder.databases))
    site.folder.flush(name)
    if run.draw.random() < 0.5 and site.worker is not None:
        site.worker.process.kill()
        run.restart(site, 0.2)
    hits = [site.folder.flip(name, run.draw) for _ in range(run.draw.choice((1, 4, 16)))]
    return any(hits)


def spoil(run: "Run") -> bool:
    """MANIFEST or CURRENT is damaged: the store does not open."""
    site = _stopped(run)
    if site is None:
        return False
    site.folder.spoil(run.draw.choice(list(site.folder.databases)))
    return True


def wipe(run: "Run") -> bool:
    """The folder is gone, and the worker's identity with it."""
    site = _stopped(run)
    if site is None:
        return False
    site.folder.wipe()
    return True


def put_back(run: "Run") -> bool:
    """An older copy of a folder is put back."""
    site = run.running()
    if site is None or not site.copies:
        return False
    stopped = _stopped(run)
    if stopped is None:
        return False
    old = stopped.copies[: 1 + len(stopped.copies) // 2] or [stopped.folder.copy()]
    stopped.folder.put_back(run.draw.choice(old))
    return True


def put_back_ancient(run: "Run") -> bool:
    """The same when the changelog has lost tombstones since."""
    if not put_back(run):
        return False
    run.compact()
    run.world.passed_ms += run.plan.tombstones_ms + 2 * MINUTE
    run.compact()
    return True


def swap(run: "Run") -> bool:
    """Two stores of a folder have changed places."""
    site = _stopped(run)
    if site is None or len(site.folder.databases) < 2:
        return False
    one, other = list(site.folder.databases)[:2]
    site.folder.swap(one, other)
    run.unchecked[site.folder.path] = None
    return True


def full(run: "Run") -> bool:
    """A disk is full until the operator frees it."""
    site = run.running()
    if site is None:
        return False
    site.folder.full = True
    return True


# -- time, operators, centres --------------------------------------------------------------------


def clock_jumps(run: "Run") -> bool:
    """A machine's clock is set forward or back."""
    site = run.running()
    if site is None or site.worker is None:
        return False
    site.machine.error_ms = run.draw.choice((-2 * MINUTE, 30 * SECOND, DAY, DAY))
    if site.machine.error_ms > MINUTE:
        _work(run)
        run.world.run_for(0.5)
        site.machine.error_ms = 0
        site.worker.process.kill()
        run.restart(site, 0.1)
    return True


def days_pass(run: "Run") -> bool:
    """Longer than anything is remembered; of older days nothing is left to be decided then."""
    for _ in range(20):
        run.journal.catch_up()
        if run.is_idle():
            break
        run.world.run_for(0.25)
        run.tend()
    else:
        return False
    run.world.passed_ms += 10 * DAY
    if run.plan.simulated_time:
        for number in range(run.plan.partitions):
            run.tick(number, run.now())
    run.world.run_for(1.1)
    for _ in range(4):  # about what is forgotten, and may not have been swept
        run.crowd.settle()
        run.crowd.act()
    return True


def flood(run: "Run") -> bool:
    """A centre writes rubbish until the worker stops; an operator lets it pass."""
    run.crowd.flood(60)
    return True


def quarantine(run: "Run") -> bool:
    """An operator sets a record aside, mostly before it comes."""
    topic = run.draw.choice(topics.INPUTS)
    number = run.draw.randrange(run.plan.partitions)
    offset = max(0, run.log(topic, number).high + run.draw.choice((-1, 0, 0, 1)))
    run.refer(run.market.act(ActKind.QUARANTINE, topic, number, offset))
    return True


def hard_reference(run: "Run") -> bool:
    """A reference record that our own code fails at: every worker stops, until an operator acts."""
    run.refer(run.market.hard())
    return True


def reference_set_aside(run: "Run") -> bool:
    """An operator sets a reference record aside, with a version of the program that fails at it:
    to the workers it was in force, or faulty, or it is an act itself.
    """
    topic = run.draw.choice((topics.SERVICES, topics.SERVICES, topics.ACTS))
    high = run.log(topic, 0).high
    if not high:
        return False
    run.set_aside(topic, run.draw.randrange(high))
    return True


def bad_reference(run: "Run") -> bool:
    """A reference record that must not be taken."""
    run.refer(run.market.faulty())
    return True


def bad_tick(run: "Run") -> bool:
    """A tick that cannot be read."""
    number = run.draw.randrange(run.plan.partitions)
    run.broker.write(PREFIX + topics.TICKS, number, b"tock", None, None, run.now())
    return True


def topic_missing(run: "Run") -> bool:
    """A topic is gone, until it is restored."""
    if run.deleted is not None:
        return False
    run.deleted = run.broker.delete(PREFIX + topics.GATEWAYS)
    return kill_all(run)


PAUSES = (
    "poll",
    "consume",
    "membership",
    "producer poll",
    "begin_transaction",
    "produce vas.gate-changelog.v1",
    "produce vas.decisions.v1",
    "produce vas.charges.approved.v1",
    "send_offsets_to_transaction",
    "commit_transaction",
    "commit answered",
    "write partition-",
    "written partition-",
    "scan partition-",
    "ListOffsets",
    "OffsetFetch",
    "open partition-",
    "close partition-",
    "assign",
    "incremental_assign",
    "incremental_unassign",
    "seek",
    "resume",
    "pause",
    "disk lock",
    "disk close",
    "subscribe",
    "consumer close",
    "left the group",
    "flush",
    "abort_transaction",
    "abort answered",
)
"""Where a worker is killed, one by one; beginnings of the model's words."""

_PROVOKED: Mapping[str, Callable[["Run"], object]] = {
    "produce vas.charges.approved.v1": _work,
    "close partition-": stop,
    "incremental_unassign": stop,
    "disk close": stop,
    "consumer close": stop,
    "left the group": stop,
    "flush": refused_turn,
    "abort_transaction": refused_turn,
    "abort answered": refused_turn,
    "assign": wipe,
    **dict.fromkeys(
        (
            "ListOffsets",
            "OffsetFetch",
            "open partition-",
            "scan partition-",
            "incremental_assign",
            "seek",
            "resume",
            "pause",
            "disk lock",
            "subscribe",
        ),
        kill,
    ),
}
"""What brings a worker to a pause that it does not come to by itself."""

_REQUESTS = (
    "Produce",
    "InitProducerId",
    "AddPartitionsToTxn",
    "AddOffsetsToTxn",
    "TxnOffsetCommit",
    "EndTxn",
)

FAULTS: Mapping[str, Fault] = {
    "kill": Fault(kill),
    "kill all": Fault(kill_all),
    "kill at a pause": Fault(kill_at_a_pause),
    "freeze": Fault(freeze, _AWAY),
    "hang": Fault(hang, frozenset((Cause.STUCK, Cause.UNCERTAIN_COMMIT, Cause.FENCED))),
    "stop": Fault(stop),
    "join": Fault(join),
    "kill between halves": Fault(kill_between_halves),
    "same name": Fault(same_name, frozenset((Cause.FENCED, Cause.UNCERTAIN_COMMIT))),
    "same folder": Fault(same_folder, frozenset((Cause.FOLDER_IN_USE,))),
    "cut": Fault(cut, _AWAY),
    "broker away": Fault(broker_away, _AWAY),
    "bad network": Fault(bad_network, _AWAY),
    "turn refused": Fault(refused_turn, _AWAY),
    "joins in a row": Fault(joins_in_a_row, _AWAY),
    "commit unanswered": Fault(unanswered_commit, _AWAY),
    "commit lands late": Fault(late_commit, _AWAY),
    "slow fetches": Fault(slow_fetches, _AWAY),
    "slow references": Fault(slow_references, _AWAY),
    "late markers": Fault(late_markers, _AWAY),
    "markers stay away": Fault(markers_stay_away, _AWAY),
    "refused while rebalancing": Fault(refuse_while_rebalancing),
    "offsets forgotten": Fault(forget_offsets),
    "offsets reset": Fault(reset_offsets, frozenset((Cause.STATE_CONTRADICTS_LOG,))),
    "compaction": Fault(compact),
    "retention": Fault(retention),
    "truncated": Fault(truncate, frozenset((Cause.LOG_TRUNCATED,)), is_last=True),
    "topic made again": Fault(
        make_again,
        frozenset((Cause.LOG_TRUNCATED, Cause.STATE_CONTRADICTS_LOG, Cause.TOPIC_MISSING)),
        is_last=True,
    ),
    "reference made again": Fault(
        make_reference_again,
        frozenset((Cause.LOG_TRUNCATED, Cause.STATE_CONTRADICTS_LOG, Cause.TOPIC_MISSING)),
        is_last=True,
    ),
    "changelog lost": Fault(
        lose_changelog, frozenset((Cause.STATE_CONTRADICTS_LOG,)), is_last=True
    ),
    "partitions unequal": Fault(
        unequal, frozenset((Cause.PARTITIONS_UNEQUAL, Cause.UNCERTAIN_COMMIT)), is_last=True
    ),
    "writes lost": Fault(lose_writes),
    "bit flipped": Fault(flip, frozenset((Cause.STORE_DAMAGED,))),
    "store spoilt": Fault(spoil),
    "folder wiped": Fault(wipe),
    "older copy": Fault(put_back),
    "ancient copy": Fault(put_back_ancient),
    "stores swapped": Fault(swap, frozenset((Cause.FOLDER_FOREIGN,))),
    "disk full": Fault(full, frozenset((Cause.STORE_FAILED,))),
    "clock jumps": Fault(clock_jumps),
    "days pass": Fault(days_pass),
    "flood": Fault(flood, frozenset((Cause.JOB_FAILED,))),
    "quarantine": Fault(quarantine),
    "bad reference": Fault(bad_reference),
    "hard reference": Fault(hard_reference, frozenset((Cause.JOB_FAILED,))),
    "reference set aside": Fault(reference_set_aside),
    "bad tick": Fault(bad_tick),
    "topic missing": Fault(topic_missing, frozenset((Cause.TOPIC_MISSING,))),
    **{
        f"kill at: {what}": Fault(
            partial(kill_at, what),
            _AWAY if _PROVOKED.get(what) is refused_turn else _NOTHING,
        )
        for what in PAUSES
    },
    **{
        f"{api} {fate.value}": Fault(partial(fate_of, api, fate), _AWAY)
        for api in _REQUESTS
        for fate in Fate
    },
}
OF_ACTS = ("hard reference", "reference set aside")
"""Kinds that only some seeds have, beside all others: those of no seed else change with them."""
KINDS = tuple(name for name in FAULTS if name not in OF_ACTS)
LAST = tuple(name for name, fault in FAULTS.items() if fault.is_last or name == "flood")
"""What is not drawn beside another seed's own fault."""
