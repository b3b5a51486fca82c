"""`python -m streams.broker`: fetch and prepare what the embedded broker needs (`make setup`)."""

import sys

from streams.broker import BrokerError, prepare


def main() -> int:
    """Prepare, telling a person on standard output."""
    try:
        prepare(_say)
    except BrokerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"  {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
