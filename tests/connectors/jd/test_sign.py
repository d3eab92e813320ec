"""JD's signatures against every vector that is known."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from connectors.jd import sign

SHOE = '{"goodsReqDTO":{"keyword":"鞋","pageIndex":1,"pageSize":20,"sceneId":1}}'
UNION = {
    "method": "jd.union.open.goods.query",
    "app_key": "TESTKEY001",
    "v": "1.0",
    "timestamp": "2024-01-02 03:04:05",
    "360buy_param_json": SHOE,
}
FULL = UNION | {"format": "json"}


def test_the_published_vector() -> None:
    params = {
        "method": "jingdong.innovation.product.write.createSkus",
        "v": "2.0",
        "app_key": "yourappkey",
        "access_token": "yourtoken",
        "timestamp": "2019-06-27 15:41:49",
        "360buy_param_json": '{"paramStrin":"abc"}',
    }
    assert sign.router(params, "yourappSecret") == "E79CD3D49918172CA907A4CB493D9361"


@pytest.mark.parametrize(
    ("params", "method", "signed"),
    [
        (FULL | {"sign_method": "md5"}, "md5", "1E80268C3249C9CACC2E3A3B22C4A6ED"),
        (UNION, "", "F4A44AEB2EAB8BE0AE59B048862D640F"),
        (FULL | {"sign_method": "hmacmd5"}, "hmacmd5", "A2609DB3FF1140E21E31D88264C0F30C"),
        (
            FULL | {"sign_method": "hmacsha256"},
            "hmacsha256",
            "4A3A0AC7175EEC0289A89021ED211197E164086E98D3277F16CEC25429CB6D13",
        ),
        (
            {
                "method": "jingdong.vop.goods.getSellPrice",
                "app_key": "TESTKEY001",
                "access_token": "TESTTOKEN003",
                "v": "2.0",
                "timestamp": "2024-01-02 03:04:05.678+0800",
                "360buy_param_json": '{"skuId":"100012043978,7545792"}',
            },
            "",
            "689D0851B3E8A5D1FBE6F1016FCC86AA",
        ),
    ],
)
def test_router_vectors(params: dict[str, str], method: str, signed: str) -> None:
    assert sign.router(params, "TESTSECRET002", method) == signed
    extra = params | {"access_token": params.get("access_token", ""), "sign": "X", "other": "Y"}
    assert sign.router(extra, "TESTSECRET002", method) == signed


def test_the_vector_of_the_classic_token() -> None:
    fields = {
        "timestamp": "2024-01-02 03:04:05",
        "client_id": "VOPCLIENT8",
        "username": "测试企业VOP",
        "password": sign.md5("Passw0rd!"),
        "grant_type": "access_token",
        "scope": "",
    }
    assert fields["password"] == "47b7bfb65fa83ac9a71dcb0f6296bb6e"
    assert sign.vop_token(fields, "VOPSECRET9") == "77211BAE46CD7F44C010C1434262E8C1"


def test_the_vector_of_sealed_fields() -> None:
    assert sign.des_sealed("测试", "NA", "VOPCLIENT8") == "db7d64eee5c1ac65"
    assert sign.des_opened("db7d64eee5c1ac65", "NA", "VOPCLIENT8") == "测试"
    assert sign.des_opened("周某某", "NA", "VOPCLIENT8") == "周某某"
    assert sign.des_opened("db7d64eee5c1ac65", "MO", "VOPCLIENT8") != "测试"


def test_a_password_under_our_private_key_opens_with_the_public_one() -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    sealed = sign.rsa_password("Passw0rd!", pem)
    numbers = key.public_key().public_numbers()
    block = pow(int.from_bytes(base64.b64decode(sealed), "big"), numbers.e, numbers.n)
    opened = block.to_bytes(256, "big")
    assert opened.startswith(b"\x00\x01\xff\xff")
    assert opened.endswith(b"\x00" + b"47b7bfb65fa83ac9a71dcb0f6296bb6e")
    secret = key.public_key().encrypt("广东省".encode(), padding.PKCS1v15())
    assert sign.rsa_opened(base64.b64encode(secret).decode(), pem) == "广东省"
    assert sign.rsa_opened("广东省", pem) == "广东省"
