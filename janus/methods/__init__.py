"""What the rows of the tables train and decode: one file a method, found by its name (`base/registry.py`)."""
