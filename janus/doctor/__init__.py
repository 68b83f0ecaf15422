"""Whether this machine has what a tier needs, and for each thing that it lacks, what to do.

`findings`: one line each. `surroundings`: programs, packages and folders. `tier`: device, memory, data and terms.
"""
