"""Operators' acts on records: looked at, judged, and recorded for ever (`vas.acts.v1`).

A record that makes every worker stop must not hold its partition for ever. An act says that one
record is to be set aside undecided, or that unreadable records up to an offset are, without
counting against the limit. A worker that starts reads it before it takes anything, one that runs
within a moment: what became of the record, the decision on it tells. A replay meets it at the same
place.

Laws: an act is on a record that is there: of an input one that is not decided yet, of reference
data one that our own code fails at. The same act twice is one; who and why are part of it, and no
number is. Of two people who act at the same moment, the first is fenced
out by the second and writes nothing.
"""

from streams.acts.place import Place
from streams.acts.recording import Recorded, Recorder, id_of

__all__ = ["Place", "Recorded", "Recorder", "id_of"]
