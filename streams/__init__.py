"""Tollgate: outside becomes events, events become decisions, decisions become outside.

The packages are cut along that sentence; ARCHITECTURE.md walks one order through them.
"""

__version__ = "0.1.0"
