"""Evidence: from a record to values, with their intervals and the runs behind them."""
