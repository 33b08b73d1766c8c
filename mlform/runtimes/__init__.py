"""Where tasks and servers run."""
