"""Slack, Zendesk and a mail server as real servers on the loopback address, which fail when they are told to."""
