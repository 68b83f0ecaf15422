"""A run as one page to send: what it made, where each number comes from, in one file without a network.

`gather` makes plain data of a run's folder, `render` makes HTML of that, `write` puts both into files.
"""
