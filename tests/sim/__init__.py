"""The real gate and engine on a simulated world: one thread, one seed, repeatable to the byte."""
