"""The generated corpora of the demo: lexicon, semantics, generation, and the judge of outputs."""
