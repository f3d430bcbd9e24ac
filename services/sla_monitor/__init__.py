"""The sla_monitor watches: it says which promise is at risk, missed or kept, and has the only timers."""
