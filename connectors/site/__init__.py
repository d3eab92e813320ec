"""Suppliers without feeds: their web shop is crawled, politely, into one."""
