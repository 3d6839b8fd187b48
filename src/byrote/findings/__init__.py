"""Findings: every number that the terminal and the page show, each with its interval or the reason why it was not measured."""
