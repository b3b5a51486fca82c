"""From when on rows are forgotten follows the policies in force, also when one is taken out."""

from streams.forgetting import NEVER, Horizon
from streams.gate.catalogue import Catalogue
from streams.gate.policy import DAY_MS
from streams.gate.rows import Seen
from tests.gate.examples import BEGINNING, HORIZON_DAYS, OFF, policy

SEEN = Seen(b"", 100)


def test_rows_are_kept_while_no_policy_says_how_long() -> None:
    """Nothing is forgotten before the first policy, nor when the only one was set aside."""
    catalogues = [Catalogue()]
    horizon = Horizon(lambda: catalogues[-1])
    assert horizon.of_seen(b"", SEEN) == NEVER
    assert catalogues[-1].fold("policies.v1", policy(OFF)) is None
    assert horizon.of_seen(b"", SEEN) == (100 + HORIZON_DAYS + 2) * DAY_MS
    catalogues.append(Catalogue())
    assert horizon.of_seen(b"", SEEN) == NEVER


def test_another_policy_in_the_place_of_one_counts() -> None:
    """As many policies as before are not the same ones."""
    catalogues = []
    for days in (9, 30):
        made = Catalogue()
        record = policy(OFF, horizon_days=days, effective_from=BEGINNING)
        assert made.fold("policies.v1", record) is None
        catalogues.append(made)
    given = iter(catalogues)
    horizon = Horizon(lambda: next(given))
    ends = [horizon.of_seen(b"", SEEN) for _ in catalogues]
    assert ends == [(100 + days + 2) * DAY_MS for days in (9, 30)]
