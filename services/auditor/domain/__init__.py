"""Clocks a second time, by other algorithms than the sla_monitor's: pure, no I/O, no clock of its own."""
