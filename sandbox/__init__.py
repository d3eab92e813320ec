"""Simulated platforms on loopback, for the demo and the tests."""
