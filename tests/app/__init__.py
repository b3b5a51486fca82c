"""The whole gate: real workers on the shared broker."""
