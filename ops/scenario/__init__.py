"""Stories: what must happen to tickets, told from outside, played through the real handlers of all services."""
