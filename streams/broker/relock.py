"""Write `jars.lock` anew: `python -m streams.broker.relock`, after changing the versions below.

The only place that resolves transitively. Read the difference before committing it: the lock is
what every later fetch is held to.
"""

import sys
import tempfile
from pathlib import Path

from jgo.maven import MavenContext

from streams.broker.jars import KAFKA_VERSION, sha256_of

ROOTS = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    # Named on its own, else an older client library is taken and the broker does not start.
    f"org.apache.kafka:kafka-clients:{KAFKA_VERSION}",
    # Without a binding for its logger the broker is silent.
    "org.apache.logging.log4j:log4j-slf4j2-impl:2.25.3",
)

HEADER = """\
# The jars of the embedded Kafka broker: group:artifact:version and the sha256 of the file.
# Written by `python -m streams.broker.relock`; each is fetched as it stands here, nothing else is.
"""


def relock(lock: Path) -> int:
    """Resolve the roots and everything they need, and write the lock; give the number of jars."""
    with tempfile.TemporaryDirectory() as scratch:
        context = MavenContext(repo_cache=Path(scratch))
        roots = [context.create_dependency(root) for root in ROOTS]
        inputs, needed = context.resolver.resolve(roots)
        lines = {
            f"{found.groupId}:{found.artifactId}:{found.version} "
            f"{sha256_of(Path(found.artifact.resolve()))}"
            for found in (*inputs, *needed)
            if found.scope in (None, "compile", "runtime")
        }
    lock.write_text(HEADER + "".join(f"{line}\n" for line in sorted(lines)), encoding="utf-8")
    return len(lines)


if __name__ == "__main__":
    count = relock(Path(__file__).with_name("jars.lock"))
    sys.stdout.write(f"{count} jars locked\n")
