"""Faults planted in engine and gate: the simulator must find each of them.

- `engine.py`, `gate.py`: the faults as data: what is broken, and the change of a function's source.
- `planting.py`: puts one in, for as long as a block runs.
- `hunt.py`: `python -m tests.sim.planted.hunt` looks for all of them, each from seed 0.
"""
