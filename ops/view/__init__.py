"""What is looked at: the board, the feed, timelines; folded from the log and drawn for a terminal."""
