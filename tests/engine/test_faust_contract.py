"""What the engine's face reaches into Faust for: pinned, and checked name by name.

A new Faust that renames or drops one of these would not fail loudly by itself: an override that
overrides nothing is silent. These tests are what an upgrade must pass first.
"""

import inspect
from importlib.metadata import version

import faust
import pytest
from faust.app.base import BootStrategy
from faust.tables import TableManager as FaustTableManager
from faust.transport.consumer import Consumer
from faust.transport.drivers import aiokafka as driver

from streams.engine import shell
from streams.engine.face import App, Table, Worker

FAUST = "0.15.3"

OVERRIDES = [
    (shell.TurnConsumer, Consumer),
    (shell.Transport, driver.Transport),
    (shell.TableManager, FaustTableManager),
    (shell.Carrier, faust.Schema),
    (shell.Boot, BootStrategy),
    (shell.Topics, faust.Topic),
    (Table, faust.Table),
    (App, faust.App),
    (Worker, faust.Worker),
]
# Ours alone: not meant to override anything.
OURS = {"rows", "keyed_rows", "engine", "app"}


def own_methods(ours: type) -> set[str]:
    """Names that a class defines itself, without its private helpers and special names."""
    helpers = {"_run_engine", "_hand_over", "_after_turn", "_resolve", "_tell"}
    return {
        name
        for name, value in vars(ours).items()
        if (callable(value) or isinstance(value, property)) and not name.startswith("__")
    } - (helpers | OURS)


@pytest.mark.parametrize(("ours", "theirs"), OVERRIDES, ids=lambda each: each.__name__)
def test_every_override_overrides_something(ours: type, theirs: type) -> None:
    """Each method of ours has a method of Faust's under the same name."""
    missing = {name for name in own_methods(ours) if not hasattr(theirs, name)}
    assert not missing


def test_faust_is_the_version_this_was_read_from() -> None:
    """Another version needs another reading of its source."""
    assert version("faust-streaming") == FAUST


def test_nothing_abstract_is_left() -> None:
    """Faust's consumer has no abstract method that ours does not define."""
    assert not shell.TurnConsumer.__abstractmethods__


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("_drain_messages", ["self", "fetcher"]),
        ("ack", ["self", "message"]),
        ("subscribe", ["self", "topics"]),
        ("wait_empty", ["self"]),
        ("on_partitions_assigned", ["self", "assigned", "generation_id"]),
    ],
)
def test_faust_still_calls_them_so(method: str, parameters: list[str]) -> None:
    """The methods that carry turns are called with the arguments we take."""
    assert list(inspect.signature(getattr(Consumer, method)).parameters) == parameters
