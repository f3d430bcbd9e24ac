"""What the notifier knows of telling people: whom, what, in which words, and when to give up. Pure."""
