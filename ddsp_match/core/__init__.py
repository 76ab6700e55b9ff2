"""The nouns that every room knows, and the edges of the program: sound files, settings, files, errors."""
