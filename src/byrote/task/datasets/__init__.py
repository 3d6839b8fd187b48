"""Examples that `byrote` can find by itself, by name."""
