"""THE table of contents of what is fuzzed."""

from collections.abc import Callable

from tests.fuzz.carrying import Chains, PositionsRecords
from tests.fuzz.decoding import Pairs, decode_inputs, decode_outputs, decode_rows
from tests.fuzz.fuzzing import Target
from tests.fuzz.records import Keys, Letters, Records, Ticks
from tests.fuzz.references import References
from tests.fuzz.showing import Showing
from tests.fuzz.texts import Masking, Readings, Segments
from tests.fuzz.whole import Whole

# Name: what is fed with any input. Made only when it is run, because samples take a while.
TARGETS: dict[str, Callable[[], Target]] = {
    "inputs": decode_inputs,
    "outputs": decode_outputs,
    "rows": decode_rows,
    "slow-reader": Pairs,
    "records": Records,
    "keys": Keys,
    "ticks": Ticks,
    "dead-letters": Letters,
    "positions": PositionsRecords,
    "chains": Chains,
    "readings": Readings,
    "segments": Segments,
    "masking": Masking,
    "showing": Showing,
    "references": References,
    "end-to-end": Whole,
}
