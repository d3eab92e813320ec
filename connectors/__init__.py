"""The world outside: one folder per platform, one interface."""
