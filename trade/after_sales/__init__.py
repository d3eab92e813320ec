"""The goods came, and something is wrong: claims, their money, and platforms' own claims."""
