"""What a schema registry may do to a command, as the causes a person is told."""

from collections.abc import Iterator
from contextlib import contextmanager

from streams.errors import Cause, Stop


@contextmanager
def registry_trouble() -> Iterator[None]:
    """Whatever is wrong with the registry ends the command with its cause."""
    from streams.codec.registry import NotRegistered, RegistryFault, RegistryUnavailable

    try:
        yield
    except NotRegistered as fault:
        raise Stop(Cause.SCHEMA_UNREGISTERED, str(fault)) from fault
    except RegistryFault as fault:
        raise Stop(Cause.REGISTRY_DIFFERS, str(fault)) from fault
    except RegistryUnavailable as away:
        raise Stop(Cause.REGISTRY_AWAY, str(away)) from away
