"""The four services: deployables only, none of which knows another."""
