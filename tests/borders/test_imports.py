"""The borders between the parts, as import contracts (pyproject.toml), and that they bite."""

import ast
import copy
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter.configuration import configure
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.protected import ProtectedContract

ROOT = Path(__file__).resolve().parents[2]
configure()
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
CONTRACTS: dict[str, dict[str, Any]] = {one["name"]: one for one in CONFIG["contracts"]}
KINDS: dict[str, Any] = {
    "acyclic_siblings": AcyclicSiblingsContract,
    "forbidden": ForbiddenContract,
    "protected": ProtectedContract,
}

# One import that each contract is there to refuse.
FORBIDDEN = {
    "The gate is pure": ("streams.gate.orders", "streams.settings"),
    "The engine knows nothing of charging": ("streams.engine.turn", "streams.gate.words"),
    "Faust is the engine's face only": ("streams.agent", "faust"),
    "The codec knows Avro": ("streams.codec.codecs", "streams.gate.events"),
    "What goes out knows nothing": ("streams.egress.outbox", "streams.ingress.read"),
    "What comes in knows of what goes out": ("streams.ingress.read", "streams.egress.outbox"),
    "The outside world shares": ("streams.world.people", "streams.gate.decide"),
    "The auditor shares no code": ("streams.audit.derive", "streams.gate.ids"),
    "What was recorded is read back": ("streams.history.topics", "streams.codec.framing"),
    "A worker needs no embedded": ("streams.app", "streams.broker.embedded"),
    "The embedded broker stands alone": ("streams.broker.config", "streams.topics"),
    "Tables of contents know no parts": ("streams.topics", "streams.codec.ids"),
    "One place wires": ("streams.demo.worker", "streams.app"),
    "Nothing calls the command line": ("streams.demo.conductor", "streams.cli.main"),
    "Parts do not go round in circles": ("streams.codec.ids", "streams.world.draws"),
}

# All that the gate may take from Python: values, containers, and the calendar.
GATE_MAY_IMPORT = {
    *("bisect", "collections", "collections.abc", "dataclasses", "datetime", "decimal", "enum"),
    *("functools", "hashlib", "hmac", "itertools", "re", "typing", "unicodedata", "zoneinfo"),
}


def imports_of(path: Path) -> Iterator[str]:
    """The modules that a file names in its imports, wherever they stand in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Every import of the product, those of other packages included."""
    return grimp.build_graph("streams", include_external_packages=True, cache_dir=None)


def is_kept(contract: dict[str, Any], graph: grimp.ImportGraph) -> bool:
    checked = KINDS[contract["type"]](
        name=contract["name"],
        session_options={"root_packages": ["streams"], "include_external_packages": True},
        contract_options=contract,
    )
    # Checking takes ignored imports out of the graph it is given.
    return bool(checked.check(copy.deepcopy(graph), verbose=False).kept)


def test_every_border_is_kept() -> None:
    """No module imports across a border that pyproject.toml draws.

    In a process of its own: import-linter sets up logging, and silences every logger there is.
    """
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("beginning", "edge"), FORBIDDEN.items(), ids=FORBIDDEN)
def test_every_border_bites(beginning: str, edge: tuple[str, str], graph: Any) -> None:
    """One import in the wrong direction breaks the contract that forbids it."""
    [contract] = [one for name, one in CONTRACTS.items() if name.startswith(beginning)]
    importer, imported = edge
    assert not graph.direct_import_exists(importer=importer, imported=imported)
    graph.add_import(importer=importer, imported=imported)
    try:
        assert not is_kept(contract, graph)
    finally:
        graph.remove_import(importer=importer, imported=imported)
    assert is_kept(contract, graph)


def test_every_border_has_an_import_that_breaks_it() -> None:
    """No contract stands unproved in pyproject.toml."""
    unproved = [
        name for name in CONTRACTS if not any(name.startswith(beginning) for beginning in FORBIDDEN)
    ]
    assert unproved == []


def test_the_gate_takes_little_from_python() -> None:
    """What could tell the time, draw lots, write or wait is not even imported by the gate."""
    for path in sorted((ROOT / "streams/gate").glob("*.py")):
        strange = {
            name
            for name in imports_of(path)
            if name not in GATE_MAY_IMPORT and not name.startswith("streams.gate")
        }
        assert not strange, f"{path.name} imports {', '.join(sorted(strange))}"
