"""What stands behind the auditor's ports."""
