"""Taobao Alliance: goods that are recommended by tracked links. Never routed, never bought."""
