"""What every law is given: the books, and the accounts of the walk through them."""

from typing import NamedTuple

from streams.audit.books import Books
from streams.audit.walk import Walk


class Evidence(NamedTuple):
    """One history, read and walked."""

    books: Books
    walk: Walk
