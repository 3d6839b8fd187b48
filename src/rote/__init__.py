"""rote: measure, explain and control memorization in deep networks."""

__version__ = "0.1.0"
