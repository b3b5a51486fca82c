"""The auditor: has every law been kept, by what lies on the topics alone?

It keeps its own books and shares no code with the gate, the engine, the codec or the edges: two
independent readings of DESIGN that agree are worth more than one. Avro is read with fastavro, ids,
digests, seals, segments, days and rules are computed again from their specification.
"""

from collections.abc import Sequence
from pathlib import Path

from streams.audit.history import History
from streams.audit.judge import audit
from streams.audit.read import read_history
from streams.audit.report import Finding, Report
from streams.audit.strict import Schemas, released
from streams.settings import Settings

__all__ = [
    "Finding",
    "History",
    "Report",
    "Schemas",
    "audit",
    "audit_topics",
    "read_history",
    "released",
]


def audit_topics(settings: Settings, *, drained: bool, log_files: Sequence[Path] = ()) -> Report:
    """Read the topics of these settings and hold them against every law."""
    return audit(read_history(settings, log_files), released(), drained=drained)
