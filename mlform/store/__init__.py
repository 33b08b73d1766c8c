"""Where artifacts are kept, by digest."""
