"""The published language: every event, the topics that carry them and their wire format. Pure."""
