"""The simulated outside world: message centres, subscribers with tempers, billing, customer care.

It stands where the operator's systems stand: it publishes orders, replies, delivery reports,
settlements and care actions, and reads messages, charges, refund requests and verdicts, against any
broker. Laws: it shares no thinking with the gate (types and codecs only); what people do is drawn
from the seed and themselves; it says what it did and saw, and never waits for ever.
"""

from streams.world.mix import DEFAULT_MIX, Mix, MixError, parse_mix
from streams.world.options import Options, OptionsError, Summary, Tally
from streams.world.preload import Preloaded, preload
from streams.world.simulation import World, run_simulation

__all__ = [
    "DEFAULT_MIX",
    "Mix",
    "MixError",
    "Options",
    "OptionsError",
    "Preloaded",
    "Summary",
    "Tally",
    "World",
    "parse_mix",
    "preload",
    "run_simulation",
]
