"""`Report`: numbers, tables, plots and files."""
