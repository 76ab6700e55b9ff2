"""Tests of the benchmarks that compute something themselves."""
