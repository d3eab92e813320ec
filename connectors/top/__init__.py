"""The Taobao Open Platform (TOP): one gateway, one signature and one envelope for three roles.

A shop (`taobao_shop`), the alliance (`taobao_tbk`) and supply and distribution
(`taobao_fenxiao`) speak through here; each of them holds only its own calls and mappings.
"""
