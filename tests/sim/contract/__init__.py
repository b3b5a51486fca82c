"""What the engine relies on, demanded of the model and of the real clients and disk alike."""
