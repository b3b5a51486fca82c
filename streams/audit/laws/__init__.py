"""The laws of DESIGN §2, one file each: the table of contents of what an audit checks."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from streams.audit.evidence import Evidence
from streams.audit.laws import (
    law01_consent,
    law02_once,
    law03_once_a_day,
    law04_verdict,
    law05_silence,
    law06_message,
    law07_voice,
    law08_same_log,
    law09_all_or_nothing,
    law10_dead_letters,
    law11_privacy,
    law12_explained,
)
from streams.audit.report import Finding


class Law(NamedTuple):
    """One law: what it is called, and how a history is held against it."""

    number: int
    name: str
    check: Callable[[Evidence, Counter[str]], Iterator[Finding]]


LAWS = tuple(
    Law(module.NUMBER, module.NAME, module.check)
    for module in (
        law01_consent,
        law02_once,
        law03_once_a_day,
        law04_verdict,
        law05_silence,
        law06_message,
        law07_voice,
        law08_same_log,
        law09_all_or_nothing,
        law10_dead_letters,
        law11_privacy,
        law12_explained,
    )
)
