"""Operators for the accelerator. None is built yet: attention and losses run in plain PyTorch (`janus/model`)."""
