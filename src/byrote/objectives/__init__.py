"""Objectives: what is learned. Each file checks targets, gives a loss per example, and says what one forward pass tells."""
