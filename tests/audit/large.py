"""How long an audit takes: `python -m tests.audit.large [subscribers]`, four inputs each.

Each subscriber orders, hears that the prompt was delivered, says yes, and orders again; all of it
honest. Printed, not tested: no test here depends on the machine's speed.
"""

import resource
import sys
import time

from streams.audit import History, audit, released
from streams.topics import DELIVERY_REPORTS
from tests.audit.honest import Gate
from tests.audit.market import reference
from tests.audit.scribe import MORNING, Scribe


def large(subscribers: int) -> History:
    """A history of that many subscribers."""
    scribe = Scribe()
    reference(scribe)
    gate = Gate(scribe)
    scribe.tick(MORNING)
    for number in range(subscribers):
        msisdn, at = f"467{number:08}", MORNING + number
        order = gate.order(msisdn, "o1", "ring", at)
        prompt = gate.asked(order)
        report = {"report_id": "d1", "message_id": prompt.fields["message_id"]}
        report |= {"status": "DELIVERED"}
        delivered = scribe.event(DELIVERY_REPORTS, msisdn, at, **report, reported_at=at)
        scribe.decide(delivered, "NOTED")
        reply = gate.reply(msisdn, "r1", "y", at + 1)
        gate.confirmed(reply, prompt, order)
        gate.charged(gate.order(msisdn, "o2", "ring", at + 2), prompt, reply)
    return scribe.history()


def main() -> None:
    """Write, audit, and say how long that took."""
    history = large(int(sys.argv[1]) if len(sys.argv) > 1 else 75_000)
    written_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    began = time.process_time()
    report = audit(history, released(), drained=True)
    spent = time.process_time() - began
    report.print()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stdout.write(
        f"{history.records:,} records in {spent:.1f} s of CPU, "
        f"{spent / history.records * 1e6:.1f} µs each; "
        f"memory at most {peak_mb:,} MiB, {written_mb:,} of it before the audit\n"
    )


if __name__ == "__main__":
    main()
