"""Neural networks, trained many at a time."""
