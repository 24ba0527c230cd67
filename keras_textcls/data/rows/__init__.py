"""From the rows of any source to the columns of a dataset."""
