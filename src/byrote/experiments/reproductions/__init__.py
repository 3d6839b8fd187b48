"""Reproductions: founding experiments of the field, one file for each figure, and eight common claims."""
