"""What stands behind the classifier's ports."""
