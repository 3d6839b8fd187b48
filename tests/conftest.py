"""Shared by the whole suite. Its place makes `oracles`, `cases`, `laws` and `small` importable from every folder."""
