"""Ordering by sheet, the way leaders do: upload → read → asked back → confirm → placed → result.

The uploaded file is kept sealed. A worker reads it set-wise into orders; that can be done again at
any time until they are placed, and changes no order that is. What is confirmed is placed one by
one through the ordinary door, each in the transaction that writes down that it was.
"""
