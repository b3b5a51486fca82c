"""Reference data: from one YAML file to records on the topics, and from the topics to the gate.

`file` reads and judges a file, `applying` compares it with the topics and writes what changed,
`reader` turns the topics' bytes into what the gate's catalogue folds. What a record means is the
catalogue's (streams/gate); how it lies on a topic is the codec's.
"""
