"""Recalling: one wanted list, kept in the weights of a network and in memories beside it, and what each way costs."""
