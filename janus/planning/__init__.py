"""What a tier costs, before anything is started: jobs, arithmetic and time, disk, downloads, memory.

`texts`: how long sentences are. `counting`: the arithmetic of a batch. `costs`: of a training, a decoding, a measured
speed. `machine`: how fast they go. `jobs`: what Snakemake plans. `plan`: all of it together.
"""
