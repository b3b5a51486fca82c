"""A topic as a person names it: with or without the prefix, with or without `.v1`."""

import difflib

from streams.topics import BY_NAME, CATALOGUE, Topic


def find(named: str, prefix: str) -> Topic | None:
    """The catalogue's topic of that name."""
    name = named.removeprefix(prefix) if prefix and named.startswith(prefix) else named
    return BY_NAME.get(name) or BY_NAME.get(f"{name}.v1")


def like(named: str) -> list[str]:
    """What may have been meant by a name that is none."""
    names = [topic.name.removesuffix(".v1") for topic in CATALOGUE]
    return difflib.get_close_matches(named, names, 1, 0.5) or names
