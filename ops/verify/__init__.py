"""Checkers of an installation's promises: they read topics, stores and journals as an outsider, and write nothing."""
