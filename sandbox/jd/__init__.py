"""JD as it behaves: VOP in both protocols, and the Union, behind one gateway."""
