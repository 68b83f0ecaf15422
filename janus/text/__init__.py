"""What every corpus goes through: cleaning, tokens, subwords, vocabularies, binarising; running text."""
