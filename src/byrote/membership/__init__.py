"""Membership: attacks that say which examples a model was trained on, and what they would find without a model."""
