"""Text in, text out, from any checkpoint: what belongs to it, its text, its decoding, and how outputs are shown."""
