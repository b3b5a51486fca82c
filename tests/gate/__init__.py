"""Tests of the gate: stories, laws, edges and a seeded walk, all in memory."""
