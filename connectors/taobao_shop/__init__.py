"""A brand's own shop at Taobao or Tmall: its goods, prices, stock, trades and refunds."""
