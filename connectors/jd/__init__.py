"""What JD's platforms share: signatures, the router and its codes."""
