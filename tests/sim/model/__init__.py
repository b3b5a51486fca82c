"""The world of the simulator: time and chance, broker, network, clients, disk, clock."""
