"""The engine, on a real broker, with a small job that has nothing to do with charging."""
