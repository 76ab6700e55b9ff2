"""The threshold below which compiled loops set a decayed state to zero."""

# A state below becomes zero: subnormal numbers, which start at 1e-308, make a decayed tail up to forty times slower,
# and so do its products with small coefficients. Compiled loops keep the value that they were compiled with.
TINY = 1e-200
