"""What can go wrong with bytes and schemas, each with one clear name.

Messages never quote a payload: what was sent may hold a subscriber's number (law 11).
"""

# The stable words of a dead letter, in the order in which a reader would meet them.
CAUSES = (
    "no_value",  # the record has no value at all
    "wrong_magic",  # the first byte is not Confluent's 0x00
    "unknown_schema",  # no such schema id, or a schema of another record
    "truncated",  # the bytes end before the record does
    "overlong",  # bytes are left after the record
    "bad_length",  # a length or count that is negative or larger than any record
    "bad_enum",  # an enum's index outside its symbols, or a symbol the reader cannot place
    "bad_union",  # a union's index outside its branches, or a branch the reader cannot place
    "bad_varint",  # a variable-length integer that does not end
    "bad_text",  # text that is not UTF-8
    "bad_boolean",  # a boolean that is neither 0 nor 1
    "out_of_range",  # a number beyond its 32 or 64 bits
)


class Undecodable(ValueError):
    """These bytes are no such record; `cause` is one of CAUSES, `detail` says where."""

    def __init__(self, cause: str, detail: str) -> None:
        assert cause in CAUSES, cause
        super().__init__(f"{cause}: {detail}")
        self.cause = cause
        self.detail = detail

    def __reduce__(self) -> tuple[type["Undecodable"], tuple[str, str]]:
        return Undecodable, (self.cause, self.detail)


class Unencodable(ValueError):
    """Our own code made a record that its schema does not allow: a fault, not a dead letter."""


class SchemaFault(ValueError):
    """A schema file, a class or a table of ids that cannot be used, with what to do."""


class Irreconcilable(SchemaFault):
    """Nothing written with this schema can be read as that one."""
