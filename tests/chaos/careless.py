"""A worker of the small job without one cure: it keeps a producer whose connection broke.

Only to show that the row of late commits bites: `python -m tests.chaos.careless '{json options}'`.
"""

from typing import Any, cast

from streams.engine import Config, Ports, real_ports
from streams.engine.ports import Clients, Exit, Producer
from tests.engine.worker import main


def careless_ports(job: Config, end: Exit) -> Ports:
    """The real world, seen by somebody who hears of no broken connection."""
    real = real_ports(job, end)
    return Ports(
        cast(Clients, _Clients(real.clients)), real.disk, real.clock, real.background, real.exit
    )


class _Clients:
    def __init__(self, real: Clients) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def transactional_producer(self, transactional_id: str) -> Producer:
        return cast(Producer, _Producer(self._real.transactional_producer(transactional_id)))


class _Producer:
    def __init__(self, real: Producer) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def is_disturbed(self) -> bool:
        return False


if __name__ == "__main__":
    main(careless_ports)
