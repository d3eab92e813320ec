"""What can be bought, and for how much: offers, products, SKUs, prices, stock, search."""
