"""Clocks as arithmetic over what happened: pure, no I/O, no clock of its own."""
