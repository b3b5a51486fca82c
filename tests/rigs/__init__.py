"""A network and a cluster to do harm to: what the rows of real faults are built on."""
