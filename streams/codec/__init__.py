"""Avro on the wire and in state: schemas, generated codecs, framing, ids, registry, compatibility.

Laws: bytes that do not conform give `Undecodable` with one of the stable causes and nothing else;
no input costs more memory or time than its own size allows; no message quotes a payload.
Knows nothing of charging: classes come in as a mapping of names, schemas from their files.
"""
