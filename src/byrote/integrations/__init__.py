"""Doors to other libraries: the only place where optional extras are imported."""
