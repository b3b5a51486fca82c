"""Shows what lies on a topic: decoded, masked, from an offset or a time on, and what follows.

Laws: never a whole number, wherever it stands (law 11); nothing is written and no group is joined;
only what was committed is read. What cannot be decoded is said, never guessed at.
"""

from streams.tail.reading import NoSuchPartition, Start, Tail
from streams.tail.showing import Shower, codecs_of
from streams.tail.topic import find, like

__all__ = ["NoSuchPartition", "Shower", "Start", "Tail", "codecs_of", "find", "like"]
