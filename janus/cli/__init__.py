"""The commands of `janus`: one file each, whose name is the command's, with hyphens for underscores.

A file has a docstring, whose first line is the help; `add_arguments(parser)`; and `run(options)`, which returns the
exit status or None for 0. What takes long to import is imported in `run`.
"""
