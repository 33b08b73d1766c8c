"""What is known of the world between two runs."""
