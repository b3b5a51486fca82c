"""One cut-down job on our engine and on its peers, on one broker: `make bench-peers`.

`workload.py` says what the job is, `audit.py` judges any engine's outputs from Kafka alone. An
engine is a program that is started, watched from outside and killed: nothing here knows its inside.
"""
