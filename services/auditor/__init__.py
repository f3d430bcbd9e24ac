"""Recomputes every clock by a way of its own and says where the record differs; decides nothing, writes nothing."""
