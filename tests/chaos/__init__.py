"""Real faults on a real broker, a row each: `make chaos`; table.py is the table of contents."""
