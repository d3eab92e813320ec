"""Simulated platforms with teeth, for the demo and the tests."""
