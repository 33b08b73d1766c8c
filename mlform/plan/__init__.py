"""What would change, why, and in which order."""
