"""The partition of a key as every client of the operator's computes it: Kafka's murmur2.

The outside's own copy, on purpose: what the gate checks must not be computed by the gate's code.
"""

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(key: bytes) -> int:
    """Kafka's 32-bit hash of a key, as an unsigned number."""
    length = len(key)
    h = _SEED ^ length
    for place in range(0, length - length % 4, 4):
        k = int.from_bytes(key[place : place + 4], "little") * _M & _MASK
        k = (k ^ k >> 24) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if tail := key[length - length % 4 :]:
        h = (h ^ int.from_bytes(tail, "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def partition_of(key: bytes, partitions: int) -> int:
    """Where every client puts this key."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
