"""Figures of the whole product on a real broker: how fast, how late, and exact under kill -9."""
