"""The Avro schemas: the source of truth for every topic's records and for the rows of state.

`<topic>.avsc` is a topic's record (the topic's catalogue name, without prefix) and
`state/<table>.avsc` a row of state. A package, so that an installed Tollgate finds them.
"""
