"""Membership: attacks that infer which examples a model was trained on, and the blind baseline without a model."""
