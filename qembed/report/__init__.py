"""What is told about models and runs: plain data, and its forms (tables, JSON)."""
