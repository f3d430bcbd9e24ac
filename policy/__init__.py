"""The company's procedure and roster as data: typed, checked when loaded, pure."""
