"""Training: runs of a task into a record, on one core, on all of them, or on a cluster. Start reading at runs.py."""
