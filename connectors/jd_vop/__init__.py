"""JD VOP (企业采购): classic REST and the router's `jingdong.vop.*`."""
