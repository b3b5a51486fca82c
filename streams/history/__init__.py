"""What was recorded, read back: the topics' records as bytes, from any source, in bounded memory.

Laws: a record is given as it was written (key, value and headers are bytes; nothing decoded,
nothing left out), those of a partition in offset order. How far a source reaches is learnt before
its first record is read, everything together, so that of no decision an effect is missing. What
the source cannot give (removed by retention, a partition that is not there, a hole) ends the
reading with a `Stop` that names it; nothing is passed over.

This package must not know what a record means: no gate, engine, codec or auditor. Whoever replays,
proves or explains reads through it.
"""

from streams.history.entry import Entry, Headers
from streams.history.source import Home, Source, Span, incomplete
from streams.history.topics import TopicSource

__all__ = ["Entry", "Headers", "Home", "Source", "Span", "TopicSource", "incomplete"]
