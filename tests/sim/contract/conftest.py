"""Each test of the contract runs on the real side and, under several seeds, on the model."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sim.contract.disks import DiskSide, ModelDisks, RealDisks
from tests.sim.contract.sides import FarSide, HarmedSide, ModelSide, RealSide, Side

SEEDS = range(4)
SIDES = ["real", *(f"model {seed}" for seed in SEEDS)]


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    """A broker and clients for it; the real broker only where it is asked for."""
    kind, _, seed = request.param.partition(" ")
    if kind == "model":
        yield ModelSide(int(seed))
        return
    broker = request.getfixturevalue("kafka")
    real = RealSide(broker.bootstrap_servers, request.getfixturevalue("prefix"))
    yield real
    real.close()


@pytest.fixture(params=SIDES)
def far(request: pytest.FixtureRequest) -> Iterator[HarmedSide]:
    """The same where requests can be harmed: the real broker is one behind a proxy."""
    kind, _, seed = request.param.partition(" ")
    if kind == "model":
        yield ModelSide(int(seed))
        return
    broker, proxy = request.getfixturevalue("far_kafka")
    real = FarSide(broker, proxy, request.getfixturevalue("prefix"))
    yield real
    real.close()


@pytest.fixture(params=["real", "model 0"])
def disks(request: pytest.FixtureRequest, tmp_path: Path) -> DiskSide:
    """A machine with a data folder."""
    return RealDisks(tmp_path / "data") if request.param == "real" else ModelDisks()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """On the model, a test is a task: only tasks can wait there."""
    given = (pyfuncitem.funcargs.get(name) for name in ("side", "far", "disks"))
    found = next((one for one in given if one is not None), None)
    if not isinstance(found, ModelSide | ModelDisks):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    found.drive(lambda: pyfuncitem.obj(**arguments))
    return True
