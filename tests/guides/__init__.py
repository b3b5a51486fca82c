"""Tests of the guides for the systems around the gate: what they show, runs."""
