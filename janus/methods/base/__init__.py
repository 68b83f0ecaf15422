"""What methods have in common: the interface, options, the batch, the registry and the command line of a training."""
