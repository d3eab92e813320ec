"""A simulated Taobao Open Platform: a shop, the alliance, and supply and distribution."""
