"""What the router's ports are made of."""
