"""Goods that one leader shares and another helps to sell."""
