"""The manifest of corpora, downloads that resume and are verified, archives, and consent to terms."""
