"""THE table of contents: every row there is, in the order in which they run."""

from tests.chaos import (
    broker_faults,
    clocks,
    cluster_faults,
    dying,
    ending,
    full_disks,
    gate_deaths,
    late_commit,
    membership,
    network_faults,
    recovery,
    reference_faults,
    registry_faults,
    rolling,
    sleepers,
    store_faults,
    topic_faults,
)
from tests.chaos.row import Row

ROWS: tuple[Row, ...] = (
    *dying.ROWS,
    *gate_deaths.ROWS,
    *membership.ROWS,
    *sleepers.ROWS,
    *ending.ROWS,
    *clocks.ROWS,
    *recovery.ROWS,
    *rolling.ROWS,
    *broker_faults.ROWS,
    *cluster_faults.ROWS,
    *network_faults.ROWS,
    *late_commit.ROWS,
    *full_disks.ROWS,
    *store_faults.ROWS,
    *topic_faults.ROWS,
    *reference_faults.ROWS,
    *registry_faults.ROWS,
)


def named(names: str) -> tuple[Row, ...]:
    """The rows with these names, divided by commas; ValueError for a name that no row has, or none.

    All rows where nothing is said.
    """
    if not names:
        return ROWS
    by_name = {row.name: row for row in ROWS}
    wanted = names.replace(",", " ").split()
    if not wanted:
        raise ValueError(f"{names!r} names no row. Rows: {', '.join(by_name)}.")
    unknown = [name for name in wanted if name not in by_name]
    if unknown:
        raise ValueError(f"There is no row {', '.join(unknown)}. Rows: {', '.join(by_name)}.")
    return tuple(by_name[name] for name in wanted)
