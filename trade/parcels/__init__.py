"""What was shipped: waybills, carriers, their news, and the sheets that bring them."""
