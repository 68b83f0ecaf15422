"""What training hides: spans, uniform masks, and the noise of pre-training."""
