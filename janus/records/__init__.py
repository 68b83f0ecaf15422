"""Provenance, the identity of a training, and what is kept of a run."""
