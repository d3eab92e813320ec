"""The demo: two invented suppliers with their price lists, four accounts, and a story to walk."""
