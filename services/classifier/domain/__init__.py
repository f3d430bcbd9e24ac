"""How a ticket is judged and what its event says; pure."""
