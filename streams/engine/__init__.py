"""The exactly-once engine: turns of co-partitioned Kafka inputs, decided in one transaction each.

It knows nothing of charging. A job states its topics (`Config`) and tables (`TableSpec`), makes
an `App`, and writes one agent over `app.inputs`; face.py shows the shape, turn.py the order of
steps on which all correctness rests. `Engine` runs without Faust too, on any implementation of
the ports.
"""

from streams.engine.agent import AgentTurn, Turns
from streams.engine.config import Config, Limits
from streams.engine.errors import Cause, Fatal
from streams.engine.face import App, Table, Worker
from streams.engine.partition import DUE, Partition
from streams.engine.rows import Rows, TableSpec

__all__ = [
    "DUE",
    "AgentTurn",
    "App",
    "Cause",
    "Config",
    "Fatal",
    "Limits",
    "Partition",
    "Rows",
    "Table",
    "TableSpec",
    "Turns",
    "Worker",
]
