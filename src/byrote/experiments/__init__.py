"""Experiments: train again, differently, and compare."""
