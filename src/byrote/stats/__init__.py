"""Statistics: estimates and intervals, without any knowledge of records."""
