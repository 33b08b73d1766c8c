"""What depends on what, and what every expression comes to."""
