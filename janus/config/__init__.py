"""What the YAML of a run says: tiers, systems, and the checks that they make sense together."""
