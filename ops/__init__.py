"""The operator's side of Escalon: its command line and what it starts on one machine."""
