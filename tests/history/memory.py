"""A history in memory as a source: what a test wrote, or doctored."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from streams.history import Entry, Home, Source, Span
from streams.history.source import check_asked
from streams.topics import CATALOGUE, CHANGELOG, Kind


@dataclass
class MemorySource:
    """Records by home; a source's laws hold for it as for any other.

    `begins` says where retention has cut, `after` what comes later than the ends.
    """

    entries: Mapping[Home, list[Entry]]
    partitions: int
    prefix: str = "vas."
    begins: Mapping[Home, int] = field(default_factory=dict)
    after: "MemorySource | None" = None

    @classmethod
    def of(cls, entries: Iterable[Entry], partitions: int, prefix: str = "vas.") -> "MemorySource":
        """The records of any topics, by where they lie."""
        homes: dict[Home, list[Entry]] = defaultdict(list)
        for entry in entries:
            homes[entry[:2]].append(entry)
        return cls(homes, partitions, prefix)

    @property
    def spans(self) -> Mapping[Home, Span]:
        """Every home of the catalogue, up to behind its last record."""
        spans = {}
        for topic in CATALOGUE:
            if topic.name != CHANGELOG:
                count = 1 if topic.kind is Kind.REFERENCE else self.partitions
                for home in ((topic.name, number) for number in range(count)):
                    entries = self.entries.get(home, [])
                    end = entries[-1].offset + 1 if entries else 0
                    spans[home] = Span(min(self.begins.get(home, 0), end), end)
        return spans

    def read(self, home: Home, begin: int, end: int) -> Iterator[Entry]:
        """Those of one home."""
        check_asked(self.prefix, home, Span(begin, end), self.spans.get(home))
        return iter([one for one in self.entries.get(home, []) if begin <= one.offset < end])

    def read_together(self, spans: Mapping[Home, Span]) -> Iterator[Entry]:
        """Those of many homes, one behind the other."""
        for home, span in spans.items():
            yield from self.read(home, *span)

    def later(self) -> Source:
        """With what came after."""
        return self.after or self
