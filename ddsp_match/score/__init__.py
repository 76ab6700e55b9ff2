"""The score card: figures of many matches, what they mean, and how sure one can be of a mean."""
