"""Examples that `rote` can find by itself, by name."""
