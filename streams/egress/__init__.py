"""Decisions become outside: records, digests, seals and dead letters."""
