"""The command connector, one module per noun."""
