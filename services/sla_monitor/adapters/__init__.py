"""What the sla_monitor's ports are in the real world, and in memory."""
