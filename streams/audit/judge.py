"""Holds a history against every law.

Laws: an audit reads and never writes; it decides nothing by what the gate believes, only by what
lies on the topics. This file must not know Kafka: `read.py` fills a history, so do tests.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from streams.audit.books import Books
from streams.audit.evidence import Evidence
from streams.audit.history import History
from streams.audit.laws import LAWS
from streams.audit.report import Judged, Report
from streams.audit.strict import Schemas
from streams.audit.walk import Walk


def audit(history: History, schemas: Schemas, *, drained: bool) -> Report:
    """Judge a history; `drained` says that nothing is under way any more."""
    began = monotonic()
    with _no_collector():
        books = Books(history, schemas, drained=drained)
        evidence = Evidence(books, Walk(books))
        laws = []
        for law in LAWS:
            judged = Judged(law.number, law.name)
            judged.take(law.check(evidence, judged.checked))
            laws.append(judged)
    return Report(history.records, drained, monotonic() - began, laws)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Millions of records that all stay: looking for cycles among them takes half the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
