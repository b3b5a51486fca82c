"""The optional native modules: how they are built, and that they decide the same, to the byte."""
