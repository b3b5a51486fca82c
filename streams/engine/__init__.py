"""The exactly-once engine: turns of co-partitioned Kafka inputs, decided in one transaction each.

It knows nothing of charging. A job states its topics (`Config`) and tables (`TableSpec`), makes
an `App`, and writes one agent over `app.inputs`; face.py shows the shape, turn.py the order of
steps on which all correctness rests. `Engine` runs without Faust too, on any implementation of
the ports.
"""

from streams.engine.agent import AgentTurn, Turns
from streams.engine.config import Config, Limits
from streams.engine.engine import Engine, Ports
from streams.engine.errors import Cause, Fatal
from streams.engine.face import App, OpenPorts, Table, Worker, real_ports
from streams.engine.partition import DUE, Partition
from streams.engine.rows import Rows
from streams.engine.spec import TableSpec
from streams.engine.view import PartitionTurn

__all__ = [
    "DUE",
    "AgentTurn",
    "App",
    "Cause",
    "Config",
    "Engine",
    "Fatal",
    "Limits",
    "OpenPorts",
    "Partition",
    "PartitionTurn",
    "Ports",
    "Rows",
    "Table",
    "TableSpec",
    "Turns",
    "Worker",
    "real_ports",
]
