"""Tmall supply and distribution (供销平台): products, consumers' orders, dealer requisitions."""
