"""The commands of `janus`: one file each, whose name is the command's, with hyphens for underscores.

A file has a docstring, whose first line is the help in the list of commands and whose part after a line `Examples:` is
shown below the options; `add_arguments(parser)`; and `run(options)`, which returns the exit status
(`janus.__main__`) or None for 0. What takes long to import is imported in `run`.
"""
