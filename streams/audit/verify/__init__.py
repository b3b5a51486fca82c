"""Does what lies on the topics hold together: sequences, seals, digests, one partition at a time.

Laws: one pass, in bounded memory, whatever the size; nothing is judged but whether each record is
the one that was decided on or sent (the laws themselves are the audit's). The first record that is
wrong is named with topic, partition and offset; what is not there to be checked is named too, and
is never a clean result.

What no seal or digest covers is not judged here: a tick that caused nothing, headers (but a dead
letter's, which name its record), times of outputs. What is behind the last signed head can be
rewritten whole; that is what heads are signed for.
"""

from streams.audit.verify.heads import Anchors, Head, read_anchors
from streams.audit.verify.result import Flaw, Verified
from streams.audit.verify.run import verify

__all__ = ["Anchors", "Flaw", "Head", "Verified", "read_anchors", "verify"]
